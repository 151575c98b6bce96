"""The visible list of camera kinds. To add one: one file, one name here, one example in the contract tests."""

from typing import Annotated

from pydantic import Field

from inspector.cameras.folder import FolderSettings
from inspector.cameras.opencv import OpenCVSettings

CameraSettings = Annotated[FolderSettings | OpenCVSettings, Field(discriminator="kind")]
