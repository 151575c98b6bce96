"""Pictures from a folder: a replay at a rate, or the folder that another machine puts its pictures into."""

import itertools
import time
from typing import Literal

from pydantic import PositiveFloat

from inspector.cameras.files import Arrivals, Files, Listing, Replay
from inspector.cameras.pacing import Pace
from inspector.errors import FrameError
from inspector.inspection import Camera, Frame, utc_now
from inspector.metrics import FRAMES_DROPPED
from inspector.pictures import part_id_of, read_picture
from inspector.settings import ConfigPath, Settings


class FolderSettings(Settings):
    """``kind: folder``: the pictures directly in a folder; each file name without its suffix is the part's identity.

    Subfolders, hidden files and files that are no pictures by their suffix are ignored. Links to pictures count.
    """

    kind: Literal["folder"] = "folder"
    path: ConfigPath
    """The folder. It may be empty, it must not be missing."""
    mode: Literal["once", "loop", "watch"] = "loop"
    """``once`` replays the pictures in natural order of their names (2 before 10) and ends. ``loop`` starts again,
    with what the folder holds by then. ``watch`` takes each file once, the oldest first, those that are there at the
    start too; after a restart or a lost folder, whatever is still there comes again, so move away what is done.

    Have files written elsewhere and renamed into a watched folder. A file that grows in place is waited for, but BMP
    and WebP have no end mark: where the writer reserves the space first, they look complete too early."""
    rate_hz: PositiveFloat | None = None
    """Pictures per second; null takes them as fast as the station does."""
    settle_s: PositiveFloat = 1.0
    """``watch`` only: a file that cannot be read is tried again until it has stayed the same for so many seconds."""

    def open(self, station: str) -> "Folder":
        """Raises CameraError when the folder cannot be listed."""
        listing = Listing(self.path, station)
        files: Files
        if self.mode == "watch":
            files = Arrivals(listing, station, self.settle_s)
        else:
            files = Replay(listing, loops=self.mode == "loop")
        return Folder(station, listing, files, Pace(self.rate_hz))


class Folder(Camera):
    """The camera: files to frames.

    A look at the folder is not interrupted when the time is up: of 100,000 local files, 0.1 s, and 0.3 s where a
    round of ``loop`` begins.
    """

    def __init__(self, station: str, listing: Listing, files: Files, pace: Pace) -> None:
        self._station = station
        self._listing = listing
        self._files = files
        self._pace = pace
        self._sequence = itertools.count()
        self._vanished = FRAMES_DROPPED.labels(station, "vanished")

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera``. Raises FrameError once for a picture that cannot be read, and goes on with the next."""
        deadline_s = time.monotonic() + timeout_s
        frame = self._attempt(deadline_s)
        while frame is None and time.monotonic() < deadline_s:
            frame = self._attempt(deadline_s)
        return frame

    def check(self) -> bool:
        """See ``Camera``."""
        self._listing.check()
        return True

    def close(self) -> None:
        """Nothing is held open between two calls of ``read``."""

    def _attempt(self, deadline_s: float) -> Frame | None:
        if not self._pace.wait(deadline_s) or (candidate := self._files.next(deadline_s)) is None:
            return None
        # Before decoding, so that decoding counts as latency.
        taken_s, wall_time = time.monotonic(), utc_now()
        try:
            pixels = read_picture(candidate.path)
        except FrameError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                # Deleted since it was listed: it never was a frame, unless the whole folder went away.
                self._listing.check()
                self._vanished.inc()
                return None
            if self._files.put_back(candidate):
                return None
            self._pace.step(taken_s)
            raise
        self._pace.step(taken_s)
        return Frame(pixels, taken_s, wall_time, next(self._sequence), self._station, part_id_of(candidate.path))
