"""Which parts come by, and what is known of them."""

import json
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path
from typing import Final

from inspector.errors import ConfigError

GOOD: Final = "good"
DEFECT: Final = "defect"

Truth = Callable[[str], bool | None]
"""Whether the part of that id is a defect; None where nobody knows."""


def by_name(part_id: str) -> bool | None:
    """What the id of a part says: one that begins with ``defect`` is one, and of all others nobody knows."""
    return True if part_id.startswith(DEFECT) else None


def numbered() -> Iterator[str]:
    """Ids without an end, none of them twice."""
    return (f"part-{number}" for number in count(1))


def in_turn(part_ids: str) -> Iterator[str]:
    """The ids of a list with commas, over and over. Raises ConfigError where there is none."""
    listed = [each.strip() for each in part_ids.split(",") if each.strip()]
    if not listed:
        raise ConfigError(f"--parts: {part_ids!r} names no part")
    return cycle(listed)


def read_truth(file: Path) -> tuple[Iterator[str], Truth]:
    """The ids of a file of truths, over and over, and what it says of them. Raises ConfigError."""
    try:
        truths = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--truth: cannot read {file}: {error}") from error
    if not isinstance(truths, dict) or not truths or not set(map(str, truths.values())) <= {GOOD, DEFECT}:
        raise ConfigError(f'--truth: {file} must be like {{"lid-1": "{GOOD}", "lid-2": "{DEFECT}"}}')
    return cycle(truths), lambda part_id: truths[part_id] == DEFECT if part_id in truths else None
