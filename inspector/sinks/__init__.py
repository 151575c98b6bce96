"""The visible list of sink kinds. To add one: one file, one name here, one example in the contract tests."""

from typing import Annotated

from pydantic import Field

from inspector.sinks.log import LogSettings
from inspector.sinks.mqtt import MqttSettings

SinkSettings = Annotated[MqttSettings | LogSettings, Field(discriminator="kind")]
