"""The visible list of camera kinds. To add one: one file, one name here, one example in the contract tests."""

from typing import Annotated

from pydantic import Field

from inspector.cameras.aravis import AravisSettings
from inspector.cameras.basler import BaslerSettings
from inspector.cameras.folder import FolderSettings
from inspector.cameras.genicam import GenicamSettings
from inspector.cameras.opencv import OpenCVSettings
from inspector.cameras.simulator import SimulatorSettings

CameraSettings = Annotated[
    FolderSettings | OpenCVSettings | AravisSettings | GenicamSettings | BaslerSettings | SimulatorSettings,
    Field(discriminator="kind"),
]
