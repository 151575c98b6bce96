"""The command line of ``inspector archive``."""

import argparse
from pathlib import Path
from typing import Final

from inspector.archive.layout import is_id
from inspector.arguments import moment, whole_number
from inspector.inspection import Outcome

LAST: Final = 20
"""Entries that ``list`` lists unless told otherwise."""

DESCRIPTION: Final = (
    "The pictures that a daemon keeps, by the archive: section of its configuration; also while it runs."
)

EPILOG: Final = """examples:
  inspector archive list line.yaml --outcome FAIL --since 2026-11-24T06:00
  inspector archive show line.yaml 01KAT3V6V2M8RFX5YF6S8T4N3Q
  xdg-open "$(inspector archive show line.yaml 01KAT3V6V2M8RFX5YF6S8T4N3Q --path)"
  inspector archive hold line.yaml 01KAT3V6V2M8RFX5YF6S8T4N3Q --reason "complaint 4711" --by anna
  inspector archive hold line.yaml --since 2026-11-24 --until 2026-11-25 --reason "recall" --by anna
  inspector archive release line.yaml 01KAT9Z0M2Q4J8B6T1V5W7X3YC --reason "case closed" --by anna
  inspector archive prune line.yaml --dry-run

exit status: 0 done; 1 nothing of that id, or limits that cannot be kept; 2 wrong command line; 69 the folder cannot be
read or changed now; 78 a mistake in the configuration
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector archive``."""
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    entries = _add(what, "list", "what is archived, the newest first")
    entries.add_argument("--outcome", choices=[outcome.value for outcome in Outcome], help="with this verdict")
    _add_time(entries)
    entries.add_argument("--last", type=whole_number, default=LAST, metavar="N", help=f"how many; default {LAST}")
    entries.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")

    show = _add(what, "show", "one inspection: what was said of it, where its files are, and what holds it")
    show.add_argument("id", type=_id, metavar="ID", help="of the inspection")
    shown_as = show.add_mutually_exclusive_group()
    shown_as.add_argument("--path", action="store_true", help="only the path of the picture")
    shown_as.add_argument("--json", action="store_true", help="one JSON object instead of the text")

    prune = _add(what, "prune", "delete what the limits have no room for; a running daemon does so every ten minutes")
    prune.add_argument("--dry-run", action="store_true", help="delete nothing, say what would be")
    prune.add_argument("--json", action="store_true", help="one JSON object instead of the text")

    hold = _add(
        what, "hold", "keep inspections, or all of a time that are or will be archived, whatever the limits say"
    )
    hold.add_argument("ids", type=_id, nargs="*", metavar="ID", help="of an inspection")
    _add_time(hold)
    _add_why(hold)

    release = _add(what, "release", "let what a hold has kept go by the limits again")
    release.add_argument("hold", type=_id, metavar="HOLD", help="its id, as `hold` and `holds` say it")
    _add_why(release)

    holds = _add(what, "holds", "every hold that was placed, by whom and why, and which are over")
    holds.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")


def _add(what: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str) -> argparse.ArgumentParser:
    command = what.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.add_argument("config", type=Path, metavar="CONFIG", help="configuration file, YAML, with archive:")
    return command


def _add_time(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--station", metavar="NAME", help="of this station")
    add("--since", type=moment, metavar="TIME", help="not before, as 2026-11-24 or 2026-11-24T06:00; local time, or Z")
    add("--until", type=moment, metavar="TIME", help="before this time")


def _add_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, help="why, for whoever reads it in a year")
    parser.add_argument("--by", required=True, metavar="NAME", help="who says so")


def _id(text: str) -> str:
    if not is_id(text.upper()):
        raise argparse.ArgumentTypeError(f"{text!r} is no id as 01KAT3V6V2M8RFX5YF6S8T4N3Q")
    return text.upper()
