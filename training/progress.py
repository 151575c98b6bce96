"""What a command shows while it works, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as ProgressBar

from training.features import Progress
from training.seen import Tracker

console = Console(stderr=True)


@contextmanager
def tracking() -> Iterator[Tracker]:
    """A tracker that shows one bar after the other; Lightning shows its own in between."""

    @contextmanager
    def track(what: str, total: int) -> Iterator[Progress]:
        with ProgressBar(console=console, transient=True) as bar:
            task = bar.add_task(what, total=total or None)
            yield lambda done: bar.advance(task, done)

    yield track
