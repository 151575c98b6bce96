"""The place in front of the camera: one part lies there, until it is taken away or the camera with it."""

import itertools
from threading import Lock

from inspector.bundle import read_bundle
from inspector.inspection import Outcome
from inspector.pictures import encode_png
from tests.parts import good_parts, scratched_parts

GOOD, DEFECT = "good", "defect"


class Stage:
    """A folder that the station's camera replays; whatever picture is in it when the camera looks is what it sees.

    Only pictures that the model judges right are shown: a false accept is then the line's fault, and not the model's.
    """

    def __init__(self, folder, bundle):
        self.folder = folder
        self._away = folder.with_name(f"{folder.name}-away")
        self._picture = folder / "part.png"
        folder.mkdir()
        judge = read_bundle(bundle)
        self._pictures = {
            GOOD: itertools.cycle(judged(judge, good_parts(20, seed=2), Outcome.PASS)),
            DEFECT: itertools.cycle(judged(judge, scratched_parts(20, seed=3), Outcome.FAIL)),
        }
        self._present = True
        self._moving = Lock()
        """The PLC moves parts in one thread, chaos the camera in another."""
        self.place(GOOD)

    def place(self, kind):
        """The next part of that kind; under a camera that sees nothing too."""
        with self._moving:
            self._data = next(self._pictures[kind])
            if self._present:
                self._show()

    def blind(self):
        """The camera gives no more frames."""
        with self._moving:
            self._present = False
            self._picture.unlink()

    def lose(self):
        """The camera is gone."""
        with self._moving:
            self._present = False
            self.folder.rename(self._away)

    def restore(self):
        with self._moving:
            if self._away.exists():
                self._away.rename(self.folder)
            self._present = True
            self._show()

    def _show(self):
        hidden = self.folder / ".next.png"
        hidden.write_bytes(self._data)
        hidden.replace(self._picture)


def judged(bundle, pictures, outcome):
    """Those that the bundle judges so, encoded."""
    kept = []
    for picture in pictures:
        (judgement,) = bundle.judge(bundle.embedder.embed(bundle.prepare(picture)[None]))
        if judgement.outcome is outcome:
            kept.append(encode_png(picture))
    assert kept, f"the bundle judges none {outcome}"
    return kept
