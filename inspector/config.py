"""The one schema of ``configs/inspector/*.yaml``."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveFloat, StringConstraints, model_validator

from inspector.alarm_rules import AlarmSettings
from inspector.archive import ArchiveSettings
from inspector.cameras import CameraSettings
from inspector.checks import CheckSettings
from inspector.cores import Cores, share_out, usable_cores
from inspector.engine_choice import EngineWish, PrecisionWish, Wish
from inspector.models import ModelSettings
from inspector.operator_page import PageSettings
from inspector.records import RecordSettings
from inspector.settings import ConfigPath, Settings, read_settings
from inspector.sinks import SinkSettings
from inspector.triggers import TriggerSettings

LONGEST_SOCKET_PATH: Final = 107
"""Source: unix(7), sun_path."""

StationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
RecipeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]


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


def _fits_an_address(path: Path) -> Path:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise ValueError(f"{path} has more than the {LONGEST_SOCKET_PATH} bytes that a socket's path can have")
    return path


class ControlSettings(Settings):
    """A Unix socket that takes commands from users of this machine."""

    socket: Annotated[ConfigPath, AfterValidator(_fits_an_address)]
    """Its path, in a folder that is there. Owner and group of the daemon may use it, nobody else."""


def _usable(cores: Cores) -> Cores:
    usable = usable_cores()
    if set(cores) - set(usable):
        lacking = ", ".join(map(str, sorted(set(cores) - set(usable))))
        raise ValueError(f"there is no core {lacking}; this process may use {', '.join(map(str, usable))}")
    return tuple(sorted(set(cores)))


class StationSettings(Settings):
    """One camera with one model bundle and its sinks."""

    name: StationName
    """Name of the place on the line; part of every topic and metric."""
    bundle: ConfigPath | None = None
    """Folder of the model bundle. A relative path is taken from the folder of the configuration file. Without it, and
    until one is deployed, every part is ERROR, reason ``no_model``."""
    recipes: dict[RecipeName, ConfigPath] = Field(default={})
    """Further bundles, by the name that a trigger or the command ``set-recipe`` asks for them."""
    camera: CameraSettings
    """Where the frames come from."""
    checks: CheckSettings = CheckSettings()
    """What a frame has to be, to be judged."""
    triggers: TriggerSettings | None = None
    """Judge one frame for each trigger that comes over MQTT; without it the camera runs free."""
    alarms: AlarmSettings = AlarmSettings()
    """What is wrong enough to stay said until a person has acknowledged and reset it."""
    sinks: tuple[SinkSettings, ...] | None = None
    """Receivers of this station's results; without it, those of the whole configuration."""
    max_latency_ms: PositiveFloat = 1000.0
    """A verdict later than this after exposure or arrival of its frame is ERROR, reason ``deadline``."""
    engine: EngineWish | None = None
    """What runs this station's network; without it, what runs those of the whole configuration."""
    precision: PrecisionWish | None = None
    """Numbers that this station's network computes in; without it, those of the whole configuration."""
    cpu_affinity: Annotated[tuple[NonNegativeInt, ...], AfterValidator(_usable)] = ()
    """Cores, counted from 0, that this station's threads stay on; stations without it share those that none names."""


class Config(Settings):
    """A configuration file of the daemon."""

    stations: tuple[StationSettings, ...]
    """The stations that this process runs."""
    sinks: tuple[SinkSettings, ...] = ()
    """Receivers of the results of every station that names none of its own."""
    record: RecordSettings | None = None
    """Everything that the stations say, kept on the disk; without it nothing is kept: results that a sink has not
    delivered are in memory alone, and each start counts from 0."""
    archive: ArchiveSettings | None = None
    """Pictures of what was judged, kept on the disk; without it none is kept."""
    ui: PageSettings | None = None
    """The operator's page; with it, the daemon keeps the last picture of each station for it."""
    models: ModelSettings | None = None
    """Bundles that can be deployed while the line runs; without it only a restart, or ``reload``, changes a model."""
    control: ControlSettings | None = None
    """Where commands of this machine are taken, from ``inspector deploy`` and ``inspector command``; without it only
    MQTT brings commands."""
    metrics: MetricsSettings = MetricsSettings()
    logging: LoggingSettings = LoggingSettings()
    engine: EngineWish = "onnxruntime"
    """What runs the networks: ``onnxruntime`` or ``openvino`` on the CPU, ``cuda`` or ``tensorrt`` on an NVIDIA GPU;
    ``auto`` measures once which of the first three is the quickest here, and keeps that beside the bundle."""
    precision: PrecisionWish = "float32"
    """Numbers that the networks compute in: ``int8`` is quicker and a little coarser, and needs a bundle that was
    exported with it; ``auto`` takes it where it is there and measured to be quicker."""
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
    def _models_have_a_way_in(self) -> Self:
        for station in self.stations:
            if station.bundle is None and self.models is None:
                raise ValueError(
                    f"station {station.name} names no bundle, and none could be deployed: name one, or add `models:`"
                )
        return self

    @model_validator(mode="after")
    def _sinks_are_unique(self) -> Self:
        for station in self.stations:
            kinds = [sink.kind for sink in self.sinks_of(station)]
            twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
            if twice:
                raise ValueError(f"station {station.name} has two sinks of kind {', '.join(twice)}; one is the limit")
        return self

    @model_validator(mode="after")
    def _triggers_have_a_way_in(self) -> Self:
        for station in self.stations:
            if station.triggers and not any(sink.kind == "mqtt" for sink in self.sinks_of(station)):
                raise ValueError(
                    f"station {station.name} waits for triggers, which come over a sink of kind mqtt: add one"
                )
        return self

    def wish_of(self, station: StationSettings) -> Wish:
        """What is to run this station's network, on how many threads and on which cores."""
        shares = share_out([each.cpu_affinity for each in self.stations], usable_cores())
        return Wish(
            station.engine or self.engine,
            station.precision or self.precision,
            self.threads_per_station or shares[self.stations.index(station)],
            station.cpu_affinity,
        )

    def sinks_of(self, station: StationSettings) -> tuple[SinkSettings, ...]:
        """The sinks that receive this station's results."""
        return self.sinks if station.sinks is None else station.sinks


def read_config(path: Path) -> Config:
    """The daemon's configuration in a YAML file. Raises ConfigError with every mistake."""
    return read_settings(path, Config)
