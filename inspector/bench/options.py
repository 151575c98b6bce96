"""The command line of ``inspector bench``."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args

from inspector.arguments import number_or_nan, output, whole_number
from inspector.engines import EngineKind, Precision

COUNT: Final = 1000
"""Inspections of each contender unless told otherwise: the fewest that tell a p99.9."""

ALL: Final = "all"

DESCRIPTION: Final = (
    "Measure how fast a bundle is on this machine, on the daemon's own path: real stations judge pictures that are "
    "replayed from memory, and take turns with the bare network in the same engine."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector bench``."""
    add, engines, precisions = parser.add_argument, get_args(EngineKind), get_args(Precision)
    add("bundle", type=Path, help="folder of a model bundle")
    add("--engine", type=_names(engines), default=["onnxruntime"], metavar="NAME,…",
        help=f"of {', '.join(engines)}, or all that are installed; default onnxruntime")  # fmt: skip
    add("--precision", type=_names(precisions), default=["float32"], metavar="NAME,…",
        help=f"of {', '.join(precisions)}, or all that the bundle holds; default float32")  # fmt: skip
    add("--stations", type=_numbers, default=[1], metavar="N,…", help="how many work at the same time; default 1")
    add("--threads", type=whole_number, metavar="N", help="cores for each station; default its share of the machine's")
    add("--pictures", type=Path, metavar="DIR", help="what is judged; default the bundle's golden pictures")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--count", type=whole_number, metavar="N",
                        help=f"inspections of each contender, by all stations together; default {COUNT}")  # fmt: skip
    amount.add_argument("--seconds", type=_seconds, metavar="S", help="time for each contender instead")
    add("--broker", type=_address, metavar="HOST:PORT", help="publish the results there, below inspector-bench/")
    add("--json", type=output, metavar="FILE", help="write the figures there; - is standard output, without tables")
    add("--chart", type=output, metavar="FILE.png", help="draw histograms of the latencies there")


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = list(dict.fromkeys(text.split(",")))
        if unknown := [name for name in given if name not in (ALL, *known)]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; known are {', '.join((ALL, *known))}")
        return given

    return names


def _numbers(text: str) -> list[int]:
    return list(dict.fromkeys(whole_number(each) for each in text.split(",")))


def _seconds(text: str) -> float:
    seconds = number_or_nan(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time above 0")
    return seconds


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT")
    return host, int(port)
