"""What ``inspector archive`` does."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inspector.archive.holds import Hold, Holds, place, release
from inspector.archive.layout import HEAT_MAP, PICTURES, time_of
from inspector.archive.prune import Report, prune
from inspector.archive.reading import Reading, Wanted
from inspector.archive.settings import ArchiveSettings
from inspector.archive.survey import Entry
from inspector.errors import ArchiveError, ConfigError
from inspector.inspection import Outcome, utc_now

EXIT_FOUND: Final = 1

COLOURS: Final = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.ERROR: "yellow"}


def archive(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    """Do what the arguments of ``options`` say; returns the exit status. Raises ConfigError and ArchiveError."""
    what = {"list": _list, "show": _show, "prune": _prune, "hold": _hold, "release": _release, "holds": _holds}
    try:
        status: int = what[arguments.what](arguments, settings)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; without this Python would complain when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _list(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    reading = Reading(settings.folder)
    outcome = Outcome(arguments.outcome) if arguments.outcome else None
    wanted = Wanted(outcome, arguments.station, arguments.since, arguments.until)
    described = (_described(reading, entry) for entry in islice(reading.newest_first(wanted), arguments.last))
    if arguments.json:
        _print_json(described)
    else:
        Console().print(_table(described))
    return 0


def _show(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    reading = Reading(settings.folder)
    entry = reading.entry(arguments.id)
    if entry is None:
        print(f"{settings.folder}: nothing is archived of {arguments.id}", file=sys.stderr)
        return EXIT_FOUND
    if arguments.path:
        print(reading.picture(entry.id) or "")
        return 0
    described = _described(reading, entry)
    holds = [hold.model_dump(mode="json", exclude_defaults=True) for hold in Holds.read(settings.folder).of(entry)]
    if arguments.json:
        _print_json([described | {"holds": holds}])
    else:
        for name, value in [*described.items(), *(("held", hold) for hold in holds)]:
            print(f"{name}: {json.dumps(value, indent=1) if isinstance(value, dict) else value}")
    return 0


def _prune(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    report = prune(settings.folder, settings.limits, now=utc_now(), dry_run=arguments.dry_run)
    if report:
        _print_json([vars(report)]) if arguments.json else print(_text(report))
    return EXIT_FOUND if report and report.complaint else 0


def _hold(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    of_time = bool(arguments.since or arguments.until)
    if bool(arguments.ids) == of_time or (arguments.ids and arguments.station):
        raise ConfigError("a hold is either of inspections, by their ids, or of a time, by --since or --until")
    try:
        hold = place(
            settings.folder,
            inspections=tuple(arguments.ids),
            station=arguments.station,
            since=arguments.since,
            until=arguments.until,
            reason=arguments.reason,
            by=arguments.by,
        )
    except KeyError as missing:
        print(f"nothing is archived of {', '.join(missing.args)}; nothing was held", file=sys.stderr)
        return EXIT_FOUND
    print(f"held, as {hold.id}")
    return 0


def _release(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    try:
        release(settings.folder, arguments.hold, reason=arguments.reason, by=arguments.by)
    except KeyError:
        print(f"{settings.folder}: there is no hold {arguments.hold} that lasts", file=sys.stderr)
        return EXIT_FOUND
    print("released: the limits decide again")
    return 0


def _holds(arguments: argparse.Namespace, settings: ArchiveSettings) -> int:
    holds = Holds.read(settings.folder).all
    if arguments.json:
        _print_json(hold.model_dump(mode="json") for hold in holds)
        return 0
    table = Table("hold", "what", "since", "by", "reason", "released")
    for hold in holds:
        over = f"{hold.released.at:%Y-%m-%d} by {hold.released.by}: {hold.released.reason}" if hold.released else ""
        table.add_row(*map(escape, (hold.id, _scope(hold), f"{hold.at:%Y-%m-%d %H:%M}", hold.by, hold.reason, over)))
    Console().print(table)
    return 0


def _scope(hold: Hold) -> str:
    if hold.inspections:
        return ", ".join(hold.inspections)
    return f"{hold.station or 'all stations'}, {hold.since or 'the beginning'} to {hold.until or 'the end'}"


def _described(reading: Reading, entry: Entry) -> dict[str, Any]:
    """Paths and what was said, as far as it can be read."""
    pictures = [name for part in PICTURES if (name := entry.file(part))]
    heat_map = entry.file(HEAT_MAP)
    try:
        said = reading.inspection(entry.id)
    except ArchiveError as error:
        print(error, file=sys.stderr)
        said = None
    return {
        "id": entry.id,
        "station": entry.day.station,
        "outcome": entry.outcome,
        "at": time_of(entry.id).isoformat(timespec="milliseconds"),
        "bytes": entry.bytes,
        "picture": str(reading.path(entry, pictures[0])) if pictures else None,
        "heat_map": str(reading.path(entry, heat_map)) if heat_map else None,
        "inspection": said.model_dump(mode="json") if said else None,
    }


def _table(described: Iterator[dict[str, Any]]) -> Table:
    table = Table("id", "time", "station", "outcome", "part", "score", "more", "kB")
    for each in described:
        said = each["inspection"] or {"part_id": None, "score": None, "reason": "its text cannot be read"}
        score = "" if said["score"] is None else f"{said['score']:.4g}"
        more = said["reason"] or said["nearest_type"] or ""
        cells = (each["id"], each["at"], each["station"], each["outcome"], said["part_id"] or "", score, more)
        table.add_row(*map(_printable, cells), f"{each['bytes'] / 1000:.0f}", style=COLOURS[each["outcome"]])
    return table


def _printable(text: str) -> str:
    """Control characters of a part's name are escaped."""
    return escape("".join(each if each.isprintable() else repr(each)[1:-1] for each in text))


def _text(report: Report) -> str:
    verb = "would be deleted" if report.dry_run else "deleted"
    said = [
        f"{report.too_old.total()} too old and {report.for_room.total()} for room {verb}, {report.freed_bytes} bytes"
    ]
    if report.unfinished:
        said.append(f"{report.unfinished} unfinished files {verb}")
    said.append(f"{report.kept.total()} are left, {report.bytes_by_station.total()} bytes")
    if report.held:
        said.append(f"{report.held} are held, {report.held_bytes} bytes")
    if report.complaint:
        said.append(f"THE LIMITS ARE NOT KEPT: {report.complaint}")
    return "\n".join(said)


def _print_json(objects: Any) -> None:
    for each in objects:
        print(json.dumps(each))
