"""What a command shows while it works, on standard error."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import Progress as ProgressBar

from training.features import Progress
from training.seen import Tracker

console = Console(stderr=True)

PAUSE_S: Final = 0.25
"""Between two lines of one step."""


@contextmanager
def tracking(*, as_json: bool = False) -> Iterator[Tracker]:
    """A tracker that shows one bar after the other, Lightning its own in between; or a line of JSON for each change."""
    if as_json:
        yield _telling
        return

    @contextmanager
    def track(what: str, total: int) -> Iterator[Progress]:
        with ProgressBar(console=console, transient=True) as bar:
            task = bar.add_task(what, total=total or None)
            yield lambda done: bar.advance(task, done)

    yield track


@contextmanager
def _telling(what: str, total: int) -> Iterator[Progress]:
    done, told_s = 0, -PAUSE_S

    def tell() -> None:
        print(json.dumps({"step": what, "done": done, "of": total}), file=sys.stderr, flush=True)

    def progress(more: int) -> None:
        nonlocal done, told_s
        done += more
        if time.monotonic() - told_s >= PAUSE_S:
            told_s = time.monotonic()
            tell()

    tell()
    yield progress
    tell()
