"""The one schema of ``configs/inspector/*.yaml``."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, StringConstraints, model_validator

from inspector.cameras import CameraSettings
from inspector.settings import ConfigPath, Settings, read_settings
from inspector.sinks import SinkSettings

StationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]


class MetricsSettings(Settings):
    """Where Prometheus finds the metrics."""

    host: str = "127.0.0.1"
    """Address to listen on; loopback unless another is asked for."""
    port: int = Field(default=9108, ge=0, le=65535)
    """TCP port; 0 takes a free one and logs it."""


class LoggingSettings(Settings):
    """The daemon's log, written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe message that is written."""
    format: Literal["text", "json"] = "text"
    """``text`` for people and journalctl, ``json`` for log collectors: one object a line."""


class StationSettings(Settings):
    """One camera with one model bundle and its sinks."""

    name: StationName
    """Name of the place on the line; part of every topic and metric."""
    bundle: ConfigPath
    """Folder of the model bundle. A relative path is taken from the folder of the configuration file."""
    camera: CameraSettings
    """Where the frames come from."""
    sinks: tuple[SinkSettings, ...] | None = None
    """Receivers of this station's results; without it, those of the whole configuration."""
    max_latency_ms: PositiveFloat = 1000.0
    """A verdict later than this after exposure or arrival of its frame is ERROR, reason ``deadline``."""


class Config(Settings):
    """A configuration file of the daemon."""

    stations: tuple[StationSettings, ...]
    """The stations that this process runs."""
    sinks: tuple[SinkSettings, ...] = ()
    """Receivers of the results of every station that names none of its own."""
    metrics: MetricsSettings = MetricsSettings()
    logging: LoggingSettings = LoggingSettings()
    threads_per_station: NonNegativeInt = 0
    """Cores that one station's network may use; 0 shares the machine's cores out among the stations."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        if not self.stations:
            raise ValueError("there are no stations; see configs/inspector/line.yaml")
        names = [station.name for station in self.stations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two stations are named {', '.join(twice)}; each needs a name of its own")
        return self

    @model_validator(mode="after")
    def _sinks_are_unique(self) -> Self:
        for station in self.stations:
            kinds = [sink.kind for sink in self.sinks_of(station)]
            twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
            if twice:
                raise ValueError(f"station {station.name} has two sinks of kind {', '.join(twice)}; one is the limit")
        return self

    def sinks_of(self, station: StationSettings) -> tuple[SinkSettings, ...]:
        """The sinks that receive this station's results."""
        return self.sinks if station.sinks is None else station.sinks


def read_config(path: Path) -> Config:
    """The daemon's configuration in a YAML file. Raises ConfigError with every mistake."""
    return read_settings(path, Config)
