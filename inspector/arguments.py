"""What words on a command line mean, where several commands take the same."""

import argparse
import math
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

STANDARD_OUTPUT: Final = Path("-")


def whole_number(text: str) -> int:
    """Raises ArgumentTypeError below 1."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def number_or_nan(text: str) -> float:
    """NaN, which is within no bounds, where it is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def finite(text: str) -> float:
    """Raises ArgumentTypeError for what is no finite number."""
    number = number_or_nan(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return number


def share_or_nan(text: str) -> float:
    """A share in per cent, ``0.5%``, or as it is, ``0.005``; NaN, which is within no bounds, where it is neither."""
    number = text.strip()
    try:
        return float(Decimal(number[:-1].strip()) / 100 if number.endswith("%") else Decimal(number))
    except InvalidOperation:
        return math.nan


def moment(text: str) -> datetime:
    """A date or a time, by the local clock unless it says otherwise; raises ArgumentTypeError for what is none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time as 2026-11-24T06:00") from error


def output(text: str) -> Path:
    """Where to write; raises ArgumentTypeError now, not after an hour of work, when there is no such folder."""
    if not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {Path(text).parent}")
    return Path(text)
