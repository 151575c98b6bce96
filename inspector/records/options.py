"""The command line of ``inspector records``."""

import argparse
from pathlib import Path
from typing import Final

from inspector.arguments import moment, whole_number
from inspector.inspection import Outcome

LAST: Final = 20
"""Rows that ``show`` shows unless told otherwise."""

DESCRIPTION: Final = (
    "Read what stations have said, from the files in record.folder; also while the daemon writes them. Nothing is"
    " changed or created there."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector records``."""
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verify = what.add_parser("verify", help="follow the chain of hashes; exit status 1 where it is broken")
    verify.add_argument("path", type=Path, metavar="FOLDER|FILE", help="record.folder, or <station>.sqlite in it")
    verify.add_argument("--json", action="store_true", help="one JSON object a record instead of the text")

    show = what.add_parser("show", help="the last rows that fit")
    _add_filter(show)
    show.add_argument("--last", type=whole_number, default=LAST, metavar="N", help=f"how many; default {LAST}")
    show.add_argument("--json", action="store_true", help="one JSON object a row instead of the table")

    export = what.add_parser("export", help="all rows that fit, as a file for other programs")
    _add_filter(export)
    export.add_argument("--format", choices=("csv", "json", "parquet"), default="csv",
                        help="json: one object a line; parquet needs line-inspector[parquet]; default csv")  # fmt: skip
    export.add_argument("--output", type=Path, required=True, metavar="FILE",
                        help="it replaces what is there; - is standard output, not for parquet")  # fmt: skip


def _add_filter(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("path", type=Path, metavar="FOLDER|FILE", help="record.folder, or <station>.sqlite in it")
    add("--part-id", metavar="ID", help="of this part")
    add("--trigger-id", metavar="ID", help="that answer this trigger")
    add("--outcome", choices=[outcome.value for outcome in Outcome], help="with this verdict")
    add("--kind", metavar="KIND", help="of this kind: inspection, lost, or one of the notes, as command or alarm")
    add("--since", type=moment, metavar="TIME", help="not before, as 2026-11-24 or 2026-11-24T06:00; local time, or Z")
    add("--until", type=moment, metavar="TIME", help="before this time")
