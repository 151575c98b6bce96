"""Builds one station out of its settings: camera, bundles, record, sinks, desk, alarms, and who knows whom."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
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
from inspector.config import Config, StationSettings
from inspector.control import Control
from inspector.desk import Decision, Desk
from inspector.health import Heartbeats
from inspector.inspection import Camera, Outcome, Record, Sink
from inspector.judge import Judge
from inspector.last_picture import LastPicture
from inspector.plc import AlarmMessage, Link
from inspector.pulse import ArchiveWatch, DiskWatch, Pulse, SinkWatch
from inspector.records import MemoryRecord
from inspector.reporting import Reporter
from inspector.station import OWN, Judges, Station
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

    station: Station
    pulse: Pulse


LoadBundle = Callable[[str | None], Bundle]
"""The bundle of a recipe, ready to judge. Raises BundleError."""


def assemble(settings: StationSettings, config: Config, load_bundle: LoadBundle, health: Heartbeats) -> Post:
    """Build one station. Raises BundleError or ConfigError, naming what to correct."""
    name = settings.name
    load = partial(_judges, settings, load_bundle, keeps_hash=config.record is not None)
    judges = load()
    sinks: dict[str, Sink] = {sink.kind: sink.open(name) for sink in config.sinks_of(settings)}
    links = {kind: sink for kind, sink in sinks.items() if isinstance(sink, Link)}
    disk = DiskWatch()
    record: Record = config.record.open(name, list(links), disk) if config.record else MemoryRecord(name, list(links))
    record.note("start", {"version": __version__, "bundle": judges[OWN].bundle.digest, "config": _digest(settings)})
    alarms = _alarms(settings, record, list(links.values()))
    disk.begin(alarms)
    triggers = settings.triggers or TriggerSettings()  # a station that runs free does not even hear one
    desk = Desk(queue_size=triggers.queue_size, recipes=list(settings.recipes), look_up=record.answer_to)
    rules = AlarmRules(settings.alarms, alarms)
    reporter = Reporter(name, sinks=sinks, record=record, desk=desk, observers=(rules.observe,))
    archive = config.archive.open(name) if config.archive else None
    station = Station(
        name,
        open_camera=partial(_open_camera, settings, Freshness(name, settings.checks)),
        judges=judges,
        reporter=reporter,
        desk=desk,
        alarms=alarms,
        health=health,
        triggers=settings.triggers,
        load_judges=load,
        witnesses=tuple(witness for witness in (archive, _last_picture(name, config)) if witness),
    )
    control = Control(
        station,
        desk=desk,
        alarms=alarms,
        reporter=reporter,
        record=record,
        links=list(links.values()),
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
    return Post(station, pulse)


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


def _judges(settings: StationSettings, load_bundle: LoadBundle, *, keeps_hash: bool) -> Judges:
    judges = {
        recipe: Judge(
            settings.name,
            load_bundle(recipe),
            max_latency_ms=settings.max_latency_ms,
            config=_digest(settings),
            keeps_hash=keeps_hash,
            checks=settings.checks,
        )
        for recipe in (OWN, *settings.recipes)
    }
    metrics.DEADLINE.labels(settings.name).set(settings.max_latency_ms / 1000)
    _show(settings.name, judges)
    return judges


def _digest(settings: StationSettings) -> str:
    return hashlib.sha256(json.dumps(settings.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def _last(notes: Sequence[dict[str, Any]]) -> dict[str, AlarmMessage]:
    """The last state of each alarm, from notes of which the newest come first."""
    said = [AlarmMessage.model_validate(note) for note in reversed(notes)]
    return {alarm.alarm: alarm for alarm in said}


def _tell(links: Sequence[Link], alarm: AlarmMessage) -> None:
    for link in links:
        link.alarm(alarm)


def _show(name: str, judges: Judges) -> None:
    metrics.MODEL_INFO.remove_by_labels({"station": name})
    for judge in judges.values():
        manifest = judge.bundle.manifest
        kinds = "+".join(part.kind for part in manifest.parts)
        metrics.MODEL_INFO.labels(name, judge.bundle.digest, manifest.name, kinds).set(1)
    metrics.THRESHOLD.labels(name).set(judges[OWN].bundle.threshold)
    # A counter that first appears at 1 has no rate: the first FAIL would not show.
    metrics.CAMERA_REOPENS.labels(name)
    metrics.VERDICTS_OVERTAKEN.labels(name)
    for kind in ("trigger", "command"):
        metrics.MESSAGES_REFUSED.labels(name, kind)
    for outcome in Outcome:
        metrics.INSPECTIONS.labels(name, outcome)
    for decision in Decision:
        metrics.TRIGGERS.labels(name, decision.name.lower())
