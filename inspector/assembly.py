"""Builds one station out of its settings: camera, bundles, record, sinks, desk, alarms, and who knows whom."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Final, Protocol

from inspector import __version__, metrics
from inspector.alarm_rules import AlarmRules
from inspector.alarms import Alarms
from inspector.archive.archive import Archive
from inspector.bundle import Bundle
from inspector.checks import FreshCamera, Freshness
from inspector.commands import Commands
from inspector.config import Config, StationSettings
from inspector.control import Control
from inspector.desk import Decision, Desk
from inspector.drift import Drift
from inspector.engine_choice import chosen_engine
from inspector.health import Heartbeats
from inspector.inspection import Camera, Outcome, Record, Sink
from inspector.judge import show_models, show_threshold
from inspector.judge_maker import JudgeMaker, LoadBundle
from inspector.last_picture import LastPicture
from inspector.models import Rollout, Story
from inspector.plc import AlarmMessage, Link, ModelMessage
from inspector.pulse import ArchiveWatch, DiskWatch, Pulse, SinkWatch
from inspector.records import MemoryRecord
from inspector.reporting import Reporter
from inspector.station import OWN, Judges, Station
from inspector.tally import Tally
from inspector.triggers import TriggerSettings

ALARMS_LOOKED_AT: Final = 1000
"""Notes of a record that are searched, at the start, for the last state of each alarm."""


class Worker(Protocol):
    """What has a thread of its own."""

    name: str

    def run(self, stop: Event) -> None:
        """Work until ``stop`` is set."""


@dataclass(frozen=True, slots=True)
class Post:
    """One station, and what goes on beside it."""

    workers: tuple[Worker, ...]
    """The station first."""
    commands: Commands
    note: Callable[[str, dict[str, Any]], None]
    """Keeps something in the station's record."""
    bundles: Callable[[], dict[str | None, Bundle | None]]
    """What judges, by recipe."""
    adopt: Callable[[StationSettings, LoadBundle], None]
    """Has it judge by the bundles of other settings, between two parts. Raises InspectorError."""
    close: Callable[[], None]
    """Lets sinks and record go, where no worker was started."""


def assemble(settings: StationSettings, config: Config, load_bundle: LoadBundle, health: Heartbeats) -> Post:
    """Build one station. Raises BundleError or ConfigError, naming what to correct."""
    name = settings.name
    maker = JudgeMaker(settings, load_bundle, keeps_hash=config.record is not None)
    judges = maker.judges()
    _show(name, judges)
    metrics.DEADLINE.labels(name).set(settings.max_latency_ms / 1000)
    disk = DiskWatch()
    with ExitStack() as opened:  # what is open already lets go where the rest cannot be
        sinks: dict[str, Sink] = {}
        for sink in config.sinks_of(settings):
            sinks[sink.kind] = sink.open(name)
            opened.callback(sinks[sink.kind].close)
        links = {kind: sink for kind, sink in sinks.items() if isinstance(sink, Link)}
        archive = config.archive.open(name) if config.archive else None
        if archive:
            opened.callback(archive.close)
        record = _record(config, name, list(links), disk)
        opened.pop_all()
    record.note("start", {"version": __version__, "bundle": judges[OWN].digest, "config": maker.digest})
    alarms = _alarms(settings, record, list(links.values()))
    disk.begin(alarms)
    watched = settings.alarms.drift
    drift = Drift(name, watched, alarms, lambda: filter(None, station.bundles.values())) if watched else None
    triggers = settings.triggers or TriggerSettings()  # a station that runs free does not even hear one
    desk = Desk(queue_size=triggers.queue_size, recipes=list(settings.recipes), look_up=record.answer_to)
    rules = AlarmRules(settings.alarms, alarms)
    tally = Tally()
    reporter = Reporter(name, sinks=sinks, record=record, desk=desk, observers=(rules.observe, tally.observe))
    station = Station(
        name,
        open_camera=partial(_open_camera, settings, Freshness(name, settings.checks)),
        judges=judges,
        reporter=reporter,
        desk=desk,
        alarms=alarms,
        health=health,
        triggers=settings.triggers,
        load_judges=maker.judges,
        witnesses=tuple(witness for witness in (archive, drift, _last_picture(name, config)) if witness),
        cores=settings.cpu_affinity,
    )
    story = Story(station, alarms=alarms, tell=partial(_tell_model, list(links.values())), note=reporter.note)
    models = _rollout(station, settings, config, maker, story)
    commands = Commands(
        station, alarms=alarms, note=reporter.note, tally=tally, ready=lambda: desk.ready, models=models
    )
    control = Control(
        name,
        desk=desk,
        reporter=reporter,
        commands=commands,
        links=list(links.values()),
        refuse=station.refuse,
        deadline_s=triggers.deadline_ms / 1000,
    )
    for link in links.values():
        link.attach(control, record, triggers=settings.triggers is not None)
    alarms.announce()
    pulse = Pulse(
        name,
        desk=desk,
        sinks=sinks,
        answer=station.refuse,
        state=lambda: station.state,
        watches=_watches(settings, alarms, links, archive),
        health=health,
    )
    workers: tuple[Worker, ...] = (station, pulse, models) if models else (station, pulse)
    return Post(
        workers,
        commands,
        note=reporter.note,
        bundles=lambda: station.bundles,
        adopt=partial(_adopt, maker, commands),
        close=station.close,
    )


def _adopt(maker: JudgeMaker, commands: Commands, settings: StationSettings, load_bundle: LoadBundle) -> None:
    commands.reload(partial(maker.adopt, settings, load_bundle))


def _record(config: Config, name: str, receivers: Sequence[str], disk: DiskWatch) -> Record:
    return config.record.open(name, receivers, disk) if config.record else MemoryRecord(name, receivers)


def _rollout(
    station: Station,
    settings: StationSettings,
    config: Config,
    maker: JudgeMaker,
    story: Story,
) -> Rollout | None:
    if config.models is None:
        return None
    config.models.prepare()
    any_precision = config.wish_of(settings).precision == "auto"
    models = Rollout(
        station,
        config.models,
        configured=lambda: maker.configured,
        make_judge=maker.judge,
        first_engine=partial(chosen_engine, wish=config.wish_of(settings)),
        any_precision=any_precision,
        story=story,
    )
    models.begin()
    station.admit(models)
    return models


def _open_camera(settings: StationSettings, freshness: Freshness) -> Camera:
    return FreshCamera(settings.camera.open(settings.name), freshness)


def _last_picture(station: str, config: Config) -> LastPicture | None:
    return LastPicture(station, config.ui.last_pictures / station) if config.ui else None


def _alarms(settings: StationSettings, record: Record, links: Sequence[Link]) -> Alarms:
    return Alarms(
        settings.name,
        tell=partial(_tell, links),
        note=record.note,
        stop_line=settings.alarms.stop_line,
        before=_last(record.notes("alarm", ALARMS_LOOKED_AT)),
    )


def _watches(
    settings: StationSettings, alarms: Alarms, links: Mapping[str, Link], archive: Archive | None
) -> tuple[Callable[[], None], ...]:
    watches: list[Callable[[], None]] = []
    if settings.alarms.sink_down_s:
        is_up = {kind: link.is_up for kind, link in links.items()}
        watches.append(SinkWatch(alarms, is_up, settings.alarms.sink_down_s))
    if archive:
        watches.append(ArchiveWatch(alarms, archive.look))
    return tuple(watches)


def _last(notes: Sequence[dict[str, Any]]) -> dict[str, AlarmMessage]:
    """The last state of each alarm, from notes of which the newest come first."""
    said = [AlarmMessage.model_validate(note) for note in reversed(notes)]
    return {alarm.alarm: alarm for alarm in said}


def _tell(links: Sequence[Link], alarm: AlarmMessage) -> None:
    for link in links:
        link.alarm(alarm)


def _tell_model(links: Sequence[Link], message: ModelMessage) -> None:
    for link in links:
        link.model(message)


def _show(name: str, judges: Judges) -> None:
    show_models(name, judges.values())
    show_threshold(name, judges[OWN])
    # A counter that first appears at 1 has no rate: the first FAIL would not show.
    metrics.CAMERA_REOPENS.labels(name)
    metrics.VERDICTS_OVERTAKEN.labels(name)
    for kind in ("trigger", "command"):
        metrics.MESSAGES_REFUSED.labels(name, kind)
    for outcome in Outcome:
        metrics.INSPECTIONS.labels(name, outcome)
    for decision in Decision:
        metrics.TRIGGERS.labels(name, decision.name.lower())
