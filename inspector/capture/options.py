"""The command line of ``inspector capture``."""

import argparse
from pathlib import Path
from typing import Final

from inspector.arguments import whole_number

MIN_DIFFERENCE: Final = 4.0

TRUTH: Final = "truth"
"""The label that has a simulated camera label its own pictures."""

DESCRIPTION: Final = (
    "Collect pictures of one kind of part from a station's camera, as PNG in DIR/LABEL, which is what training takes."
    " Pictures that look like one that is there already are left out, and nothing is ever overwritten. DIR/_preview"
    " shows the latest. Ctrl-C ends it. The station's daemon must not be running: a camera has one user."
)

EPILOG: Final = """examples:
  inspector capture line.yaml --station press-1 --to pictures --label normal --count 300
  inspector capture line.yaml --station press-1 --to pictures --label scratch --every 2
  inspector capture simulated.yaml --station demo --to pictures --label truth --count 500

exit status: 0 the pictures are there; 69 the camera is lost, or the disk full; 78 a mistake in the configuration
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector capture``."""
    add = parser.add_argument
    add("config", type=Path, help="configuration file, YAML; the station's bundle need not be there yet")
    add("--station", required=True, metavar="NAME", help="whose camera")
    add("--to", type=Path, required=True, metavar="DIR", help="folder of the set; it is made if need be")
    add("--label", required=True, help="normal, or the type of defect that is shown; truth: a simulated camera labels")
    add("--count", type=whole_number, default=100, metavar="N", help="pictures to keep; default 100")
    add("--every", type=float, default=0.0, metavar="SECONDS", help="at least so long from one to the next")
    add("--min-difference", type=float, default=MIN_DIFFERENCE, metavar="LEVELS",
        help="grey levels of 255 by which a picture has to differ somewhere from each that is there; 0 keeps all;"
        f" default {MIN_DIFFERENCE:g}")  # fmt: skip
    add("--json", action="store_true", help="one JSON object at the end instead of the text")
