"""The command line of ``inspector plc-sim``."""

import argparse
from pathlib import Path
from typing import Final

from inspector.arguments import number_or_nan, output, whole_number

DESCRIPTION: Final = (
    "Trigger a station as a PLC does, take its answers, reject on silence, and check what it is promised: one answer "
    "to every trigger, never a pass for a part that is known to be a defect. Without --truth, a part whose id begins "
    "with 'defect' is known to be one."
)

EPILOG: Final = """examples:
  inspector plc-sim press-1 --rate 5 --count 1000
  inspector plc-sim press-1 --host broker.plant.example --ca-file ca.pem --cert-file plc-1.pem --key-file plc-1.key
  inspector plc-sim press-1 --truth parts.json --duplicate 0.1 --burst 4 --json figures.json --log triggers.jsonl

exit status: 0 all is well; 1 the station broke the contract; 2 wrong command line; 78 wrong settings, or no broker
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector plc-sim``."""
    parser.add_argument("station", help="its name in the daemon's configuration")
    _add_load(parser.add_argument_group("what is triggered"))
    _add_broker(parser.add_argument_group("the broker"))
    written = parser.add_argument_group("what is written")
    written.add_argument("--json", type=output, metavar="FILE", help="the figures")
    written.add_argument("--log", type=output, metavar="FILE", help="one JSON object a line for every trigger")


def _add_load(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--rate", type=_above_zero, default=1.0, metavar="HZ", help="triggers a second; default 1")
    add("--count", type=whole_number, metavar="N", help="how many; without it until Ctrl-C, and all are kept in memory")
    add("--deadline-ms", type=_above_zero, default=200.0, metavar="MS", help="the station's deadline; default 200")
    add("--margin-ms", type=_above_zero, default=20.0, metavar="MS",
        help="how much longer the PLC itself waits, for the way there and back; default 20")  # fmt: skip
    add("--burst", type=whole_number, default=1, metavar="N", help="they come N at a time, at the same rate; default 1")
    add("--duplicate", type=_share, default=0.0, metavar="SHARE",
        help="share of triggers that come twice, as MQTT redelivers them; default 0")  # fmt: skip
    add("--recipe", metavar="NAME", help="what the triggers ask for")
    parts = group.add_mutually_exclusive_group()
    parts.add_argument("--truth", type=Path, metavar="FILE",
                       help='parts to trigger, in turn: {"lid-1": "good", "lid-2": "defect"}')  # fmt: skip
    parts.add_argument("--parts", metavar="ID,…", help="parts to trigger, in turn; default part-1, part-2 …")


def _add_broker(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--host", default="127.0.0.1", help="name or address; default 127.0.0.1")
    add("--port", type=int, help="TCP port; default 1883, with TLS 8883")
    add("--prefix", default="inspector", help="first levels of every topic; default inspector")
    add("--plain", action="store_true", help="MQTT 3.1.1, and answers on <prefix>/<station>/answer")
    add("--client-id", default="plc-sim", metavar="ID",
        help="client identifier; answers are asked for on <prefix>/<station>/answer/ID; default plc-sim")  # fmt: skip
    add("--username", metavar="NAME", help="where the broker asks for one")
    add("--password-file", type=Path, metavar="FILE", help="its only line is the password")
    add("--ca-file", type=Path, metavar="PEM", help="the authority that signed the broker's certificate: use TLS")
    add("--cert-file", type=Path, metavar="PEM", help="the PLC's own certificate, where the broker asks for one")
    add("--key-file", type=Path, metavar="PEM", help="its key, without a pass phrase")


def _above_zero(text: str) -> float:
    number = number_or_nan(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _share(text: str) -> float:
    share = number_or_nan(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1")
    return share
