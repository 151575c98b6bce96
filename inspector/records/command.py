"""What ``inspector records`` does."""

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inspector.errors import ConfigError
from inspector.records.chain import canonical
from inspector.records.export import as_object, export
from inspector.records.filter import Filter
from inspector.records.reading import Row, files_in, reading
from inspector.records.rows import INSPECTION, escaped
from inspector.records.verify import Report, verify

EXIT_BROKEN: Final = 1

COLOURS: Final = {"PASS": "green", "FAIL": "red", "ERROR": "yellow"}


def records(arguments: argparse.Namespace) -> int:
    """Do what the arguments of ``options`` say; returns the exit status. Raises ConfigError."""
    try:
        status: int = {"verify": _verify, "show": _show, "export": _export}[arguments.what](arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; without this Python would complain when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _verify(arguments: argparse.Namespace) -> int:
    reports = [verify(file) for file in files_in(arguments.path)]
    for report in reports:
        print(json.dumps(asdict(report) | {"file": str(report.file)}) if arguments.json else _text(report))
    return EXIT_BROKEN if any(report.broken for report in reports) else 0


def _text(report: Report) -> str:
    where = printable(str(report.file))
    if report.broken:
        return f"{where}: BROKEN: {printable(report.broken)}; {report.rows} rows before are good"
    said = [f"{report.rows} rows, {report.inspections} inspections, up to row {report.last}"]
    if report.pruned:
        said.append(f"{report.pruned} older ones were taken away in their time")
    if report.lost:
        said.append(f"{report.lost} WERE LOST when the disk took none: see `inspector records show --kind lost`")
    return f"{where}: good: {'; '.join([*said, f'head {report.head}'])}"


def _show(arguments: argparse.Namespace) -> int:
    for file in files_in(arguments.path):
        with _readable(file) as connection:
            rows = _filter(arguments).last(connection, arguments.last)
        if arguments.json:
            for row in rows:
                print(canonical(as_object(row)))
        else:
            Console().print(_table(file, rows))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    files = files_in(arguments.path)
    export(_all_rows(files, _filter(arguments)), arguments.format, arguments.output)
    return 0


def _all_rows(files: list[Path], wanted: Filter) -> Iterator[Row]:
    for file in files:
        with _readable(file) as connection:
            yield from wanted.all(connection)


@contextmanager
def _readable(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with reading(file) as connection:
            yield connection
    except sqlite3.Error as error:
        raise ConfigError(f"{file}: cannot be read: {error}; `inspector records verify` says how far") from error


def _filter(arguments: argparse.Namespace) -> Filter:
    return Filter(
        part_id=arguments.part_id,
        trigger_id=arguments.trigger_id,
        outcome=arguments.outcome,
        kind=arguments.kind,
        since=arguments.since,
        until=arguments.until,
    )


def _table(file: Path, rows: list[Row]) -> Table:
    table = Table("row", "time", "what", "part", "trigger", "score", "more", title=escape(printable(str(file))))
    for row in rows:
        cells = _inspection(row) if row.kind == INSPECTION else _note(row)
        table.add_row(str(row.number), *(escape(printable(cell)) for cell in cells), style=COLOURS.get(cells[1]))
    return table


def _inspection(row: Row) -> list[str]:
    said = row.content
    score = "" if said["score"] is None else f"{said['score']:.4g}"
    more = said["reason"] or said["nearest_type"] or ""
    return [said["captured_at"], said["outcome"], said["part_id"] or "", said["trigger_id"] or "", score, more]


def _note(row: Row) -> list[str]:
    said = row.content
    return [said.pop("at"), row.kind, "", "", "", ", ".join(f"{name} {value}" for name, value in said.items())]


def printable(text: str) -> str:
    """What no terminal takes is escaped: halves of surrogate pairs and control characters."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in escaped(text))
