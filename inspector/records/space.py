"""How much room there is where a record lies."""

import shutil
from contextlib import suppress
from pathlib import Path

from inspector import metrics


class Space:
    """Of the disk that holds ``folder``."""

    def __init__(self, folder: Path, station: str) -> None:
        self._folder = folder
        self._free = metrics.RECORD_DISK_FREE.labels(station)
        self._size = metrics.RECORD_DISK_SIZE.labels(station)

    def show(self) -> None:
        """Look, and show it to Prometheus. May wait for the disk."""
        with suppress(OSError):  # a folder that is gone is the record's trouble, which tells of it
            usage = shutil.disk_usage(self._folder)
            self._free.set(usage.free)
            self._size.set(usage.total)
