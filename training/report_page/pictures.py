"""The worst mistakes of a report: each picture beside itself under its heat map, inside the page."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inspector.inspection import Outcome, Pixels
from inspector.pictures import encode_jpeg, read_picture
from training.evaluate import Scored
from training.overlays import panel, shared_ceiling

SHOWN: Final = 6
"""Mistakes of each kind."""


QUALITY: Final = 85
"""Of the JPEG pictures."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """``source``: the picture as a data URI, since the page is one file."""

    file: str
    label: str
    score: str
    source: str
    named: str


def worst_misses(scored: Sequence[Scored], normal: str) -> tuple[int, list[Mistake]]:
    """How many defects passed, and those with the lowest scores."""
    missed = [one for one in scored if one.label != normal and one.outcome is Outcome.PASS]
    return len(missed), _drawn(sorted(missed, key=lambda one: one.score), scored, normal)


def worst_rejects(scored: Sequence[Scored], normal: str) -> tuple[int, list[Mistake]]:
    """How many good parts were rejected, and those with the highest scores."""
    rejected = [one for one in scored if one.label == normal and one.outcome is not Outcome.PASS]
    return len(rejected), _drawn(sorted(rejected, key=lambda one: -one.score), scored, normal)


def _drawn(mistakes: Sequence[Scored], scored: Sequence[Scored], normal: str) -> list[Mistake]:
    ceiling = shared_ceiling(scored, normal)
    return [
        Mistake(
            file=one.file.name,
            label=one.label,
            score="no score" if one.outcome is Outcome.ERROR else f"{one.score:.3g}",
            source=_data_uri(panel(read_picture(one.file), one.heat, ceiling, mask=None)),
            named=one.nearest_type or "",
        )
        for one in mistakes[:SHOWN]
    ]


def _data_uri(pixels: Pixels) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(encode_jpeg(pixels, QUALITY)).decode()}"
