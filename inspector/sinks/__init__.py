"""The visible list of sink kinds. To add one: one file or folder, one name here, one example in the contract tests."""

from typing import Annotated

from pydantic import Field

from inspector.sinks.log import LogSettings
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.sparkplug import SparkplugSettings

SinkSettings = Annotated[MqttSettings | SparkplugSettings | LogSettings, Field(discriminator="kind")]
