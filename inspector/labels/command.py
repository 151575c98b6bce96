"""What ``inspector labels`` does."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from inspector.archive.reading import Reading
from inspector.config import Config, read_config
from inspector.errors import ConfigError
from inspector.labels.book import Book, Labels
from inspector.labels.export import SETTINGS, Exported, export
from inspector.labels.label import Label, Says

EXIT_FOUND: Final = 1

COLUMNS: Final = ("inspection", "station", "label", "type", "by", "time")

ID_LENGTH: Final = 26
"""Characters of a ULID, which are copied into other commands: a narrow terminal must not cut them."""


def labels(arguments: argparse.Namespace) -> int:
    """Do what the arguments of ``options`` say; returns the exit status. Raises ConfigError, ArchiveError."""
    config = read_config(arguments.config)
    if arguments.station not in {None, *(station.name for station in config.stations)}:
        raise ConfigError(f"{arguments.config}: there is no station {arguments.station}")
    if not config.ui:
        raise ConfigError(f"{arguments.config}: has no `ui:` section, and labels are given on the operator's page")
    book = Labels(config.ui.folder).read()
    return _export(arguments, config, book) if arguments.what == "export" else _list(arguments, book)


def _list(arguments: argparse.Namespace, book: Book) -> int:
    found = book.lasting(arguments.station)
    if arguments.json:
        for label in found:
            print(label.model_dump_json())
    else:
        Console().print(_table(found))
    return 0


def _table(found: list[Label]) -> Table:
    whole = {"inspection": ID_LENGTH, "label": max(map(len, Says))}
    table = Table(*(Column(name, min_width=whole.get(name)) for name in COLUMNS))
    for each in found:
        cells = (each.inspection, each.station, str(each.says), each.anomaly.type if each.anomaly else "", each.by)
        table.add_row(*map(escape, cells), f"{each.at.astimezone():%Y-%m-%d %H:%M}")
    return table


def _export(arguments: argparse.Namespace, config: Config, book: Book) -> int:
    if not config.archive:
        raise ConfigError(f"{arguments.config}: keeps no pictures; say where under `archive:`")
    done = export(book, Reading(config.archive.folder), arguments.station, arguments.to)
    print(json.dumps(asdict(done)) if arguments.json else _text(done, arguments.to))
    return EXIT_FOUND if done.gone or done.withdrawn else 0


def _text(done: Exported, to: Path) -> str:
    said = [f"{done.written} pictures written to {to}, {done.moved} moved to another class, {done.already} were there"]
    if done.gone:
        said.append(f"{len(done.gone)} labels have no picture in the archive: {', '.join(done.gone)}")
    if done.withdrawn:
        said.append(f"{len(done.withdrawn)} are there whose label was withdrawn: {', '.join(done.withdrawn)}")
    said.append(f"into the configuration of training, as in {to / SETTINGS}:\n{yaml.safe_dump(done.settings)}")
    return "\n".join(said)
