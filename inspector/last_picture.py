"""The last picture of a station, small and with its heat map, as files for whoever wants to look at the line now."""

import logging
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Final

import cv2

from inspector.cores import give_way
from inspector.errors import FrameError
from inspector.heatmap import overlay_alone
from inspector.inspection import Evidence, Reason
from inspector.pictures import encode_jpeg, encode_png, shrunk

log = logging.getLogger(__name__)

EVERY_S: Final = 0.4
"""Between two pictures: a person sees no more, and a core is kept busy for a hundredth of the time."""

LONGEST_SIDE: Final = 640
QUALITY: Final = 80
KEPT: Final = 3
"""Pictures: a browser that was told of one has a second to fetch it."""

UNFINISHED: Final = ".unfinished"
PICTURE: Final = ".jpg"
HEAT_MAP: Final = ".heat.jpg"
WHOLE: Final = ".png"
"""As the camera gave it: where no model judges yet, one may be made of it, which would take JPEG's traces for the
line's."""


class LastPicture:
    """A witness with a thread of its own, which takes the newest inspection and lets the others go.

    ``folder`` holds the files of its last pictures, named by the inspection's id, and nothing else.
    """

    def __init__(self, station: str, folder: Path) -> None:
        self._station = station
        self._folder = folder
        self._changed = Condition()
        self._newest: Evidence | None = None
        self._closing = Event()
        self._trouble: str | None = None
        self._thread = Thread(target=self._run, name=f"last-picture-{station}", daemon=True)
        self._thread.start()

    def see(self, evidence: Evidence) -> None:
        """Take the frame's pixels along, which are nobody else's; what the network saw is not looked at."""
        with self._changed:
            self._newest = evidence
            self._changed.notify_all()

    def close(self) -> None:
        """Leave the files as they are. Safe to call twice."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(0.5)

    def _run(self) -> None:
        give_way()
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._closing.is_set())
                evidence, self._newest = self._newest, None
            if evidence:
                self._try(evidence)
                self._closing.wait(EVERY_S)

    def _try(self, evidence: Evidence) -> None:
        try:
            self._write(evidence)
        except (OSError, FrameError, cv2.error) as error:
            if self._trouble != str(error):
                log.warning("the last picture cannot be shown: %s", error, extra={"station": self._station})
            self._trouble = str(error)
        else:
            self._trouble = None

    def _write(self, evidence: Evidence) -> None:
        small = shrunk(evidence.frame.pixels, LONGEST_SIDE)
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        grid = evidence.heat_map()
        files = {}
        if grid is not None:
            files[HEAT_MAP] = encode_jpeg(overlay_alone(small, grid), QUALITY)
        if evidence.inspection.reason == Reason.NO_MODEL:
            files[WHOLE] = encode_png(evidence.frame.pixels)
        files[PICTURE] = encode_jpeg(small, QUALITY)  # the last: where it is there, so is the rest
        unfinished = self._folder / UNFINISHED
        for ending, data in files.items():
            unfinished.write_bytes(data)
            unfinished.replace(self._folder / f"{evidence.inspection.id}{ending}")
        self._forget()

    def _forget(self) -> None:
        """Ids are in the order of time."""
        paths = [path for path in self._folder.iterdir() if path != self._folder / UNFINISHED]
        kept = sorted({_id_of(path) for path in paths})[-KEPT:]
        for path in paths:
            if _id_of(path) not in kept:
                path.unlink(missing_ok=True)


class LastPictures:
    """What ``LastPicture`` writes, read by another process; ``folder`` is that of one station."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest(self) -> str | None:
        """The inspection that the picture is of; None where there is none."""
        pictures = [path for path in self._paths() if path.name.endswith(PICTURE) and not path.name.endswith(HEAT_MAP)]
        return max(map(_id_of, pictures), default=None)

    def file(self, inspection_id: str, ending: str) -> Path | None:
        """A file of this inspection's picture, while it is there: no path is made of the words."""
        wanted = f"{inspection_id}{ending}"
        return next((path for path in self._paths() if path.name == wanted), None)

    def _paths(self) -> list[Path]:
        try:
            return list(self._folder.iterdir())
        except OSError:  # the daemon has not made it yet
            return []


def _id_of(path: Path) -> str:
    return path.name.partition(".")[0]
