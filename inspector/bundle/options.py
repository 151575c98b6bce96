"""The command line of ``inspector bundle``."""

import argparse
from pathlib import Path
from typing import Final

from inspector.arguments import finite

DESCRIPTION: Final = (
    "What a bundle is, where its threshold comes from, how two bundles differ, and another threshold for one."
)

EPILOG: Final = """examples:
  inspector bundle show bundles/cells
  inspector bundle diff bundles/cells bundles/cells-new --json
  inspector bundle threshold bundles/cells --at 3.2                         what it would promise; changes nothing
  inspector bundle threshold bundles/cells --at 3.2 --reason 'new lamp' --output bundles/cells-3.2

exit status: 0 shown or written, or no difference; 1 they differ; 78 no bundle, or a refusal, told in one message
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector bundle``."""
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    show = what.add_parser("show", help="the model, its threshold with what it promises, and each calibration")
    show.add_argument("bundle", type=Path, help="folder of the bundle")
    show.add_argument("--json", action="store_true", help="the whole manifest and its digest as JSON")

    diff = what.add_parser("diff", help="threshold, promise, types, training data, results: what is not the same")
    diff.add_argument("a", type=Path, metavar="A", help="folder of a bundle")
    diff.add_argument("b", type=Path, metavar="B", help="folder of another")
    diff.add_argument("--json", action="store_true", help="a list of differences as JSON instead of the table")

    threshold = what.add_parser(
        "threshold",
        help="what a threshold would promise by the bundle's own record, and with --reason a bundle with it",
    )
    threshold.add_argument("bundle", type=Path, help="folder of the bundle")
    threshold.add_argument("--at", type=finite, required=True, metavar="SCORE", help="a score above it is FAIL")
    threshold.add_argument("--reason", metavar="TEXT", help="set it, for this reason, which the bundle keeps")
    threshold.add_argument("--by", metavar="NAME", help="who sets it; default: the user and the machine")
    threshold.add_argument("--output", type=Path, metavar="DIR", help="write a new bundle; default: change this one")
    threshold.add_argument("--let-critical-pass", action="store_true",
                           help="although more left-out pictures of critical types pass than now")  # fmt: skip
    threshold.add_argument("--json", action="store_true", help="what is known of it as JSON")
