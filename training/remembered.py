"""What a frozen trunk has seen before, kept from one fit to the next: a refit looks at new pictures alone.

Pictures are known by their pixels at the network's size. All of it holds for one trunk: ``key_of`` names it.
"""

import hashlib
import json
import logging
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch

from inspector.inspection import Floats, Pixels
from training.config import TrainingConfig
from training.dataset import PictureDataset
from training.features import Progress, Seen, pooled_draws, see, silent
from training.learn import Draws
from training.network import Trunk
from training.sampling import Draw

log = logging.getLogger(__name__)

FILE: Final = "seen.npz"
MOST_BYTES: Final = 1 << 30
"""Of a memory that is written: ten thousand pictures at the default size."""

NAMES: Final = (
    "key", "digests", "pooled", "patches", "drawn", "drawn_digests", "drawn_classes", "ways", "ways_of", "trunk",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """Augmented pictures as they were drawn: (m, width) pooled, the digest of each one's picture, and its class."""

    pooled: Floats
    digests: Sequence[str]
    classes: Sequence[str]

    def __post_init__(self) -> None:
        if not len(self.pooled) == len(self.digests) == len(self.classes):
            raise ValueError(f"{len(self.pooled)} draws of {len(self.digests)} pictures")


NOTHING: Final = Drawn(np.zeros((0, 0), np.float32), (), ())


@dataclass
class Memory:
    """Empty at first. ``known``: what the trunk saw, patches as they come, by digest."""

    key: str = ""
    known: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    drawn: Drawn = NOTHING
    ways: Floats | None = None
    """Where the normals' vectors go when the camera changes, as ``camera_ways`` has it for ``ways_of``."""
    ways_of: str = ""
    trunk: bytes = b""
    """The trunk's graph, once it was exported."""
    _used: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    _is_too_much: bool = False

    @classmethod
    def of(cls, config: TrainingConfig) -> Self:
        """Nothing yet, by the trunk of the configuration."""
        return cls(key_of(config))

    @classmethod
    def read(cls, folder: Path, config: TrainingConfig) -> Self:
        """What the last fit with this output has left; nothing, and logged, where that is no use to this one."""
        path, empty = folder / FILE, cls.of(config)
        if not path.exists():
            return empty
        try:
            with np.load(path) as arrays:
                found = {name: arrays[name] for name in NAMES}
            read = cls(
                str(found["key"]),
                dict(zip(found["digests"].tolist(), zip(found["pooled"], found["patches"], strict=True), strict=True)),
                Drawn(found["drawn"], found["drawn_digests"].tolist(), found["drawn_classes"].tolist()),
                found["ways"] if len(found["ways"]) else None,
                str(found["ways_of"]),
                found["trunk"].tobytes(),
            )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            log.warning("%s: damaged (%s): everything is looked at again", path, error)
            return empty
        if read.key != empty.key:
            log.warning("%s: of another network: everything is looked at again", path)
            return empty
        return read

    def write(self, folder: Path) -> None:
        """What this fit has looked at, for the next one, unless it is too much."""
        seen, drawn = list(self._used.values()), self.drawn
        if not seen:
            (folder / FILE).unlink(missing_ok=True)
            return
        draft = folder / f".{FILE}"
        with draft.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                key=np.array(self.key),
                digests=np.array(list(self._used)),
                pooled=np.stack([pooled for pooled, _ in seen]),
                patches=np.stack([patches for _, patches in seen]),
                drawn=drawn.pooled,
                drawn_digests=np.array(drawn.digests, str),
                drawn_classes=np.array(drawn.classes, str),
                ways=np.zeros((0, 0), np.float32) if self.ways is None else self.ways,
                ways_of=np.array(self.ways_of),
                trunk=np.frombuffer(self.trunk, np.uint8),
            )
        draft.replace(folder / FILE)

    def ways_on(self, pictures: Pixels, compute: Callable[[], Floats]) -> Floats:
        """Those of these held-out normals, computed if they are others than before."""
        of = digest_of(pictures)
        if self.ways is None or of != self.ways_of:
            self.ways, self.ways_of = compute(), of
        return self.ways

    def look(self, trunk: Trunk, pictures: Pixels, progress: Progress = silent) -> Seen:
        """What the trunk sees in the (n, height, width, 3) pictures, whose patches it does not standardise yet."""
        digests = [digest_of(each) for each in pictures]
        new = [place for place, digest in enumerate(digests) if digest not in self.known]
        progress(len(pictures) - len(new))
        found = {digest: self.known[digest] for digest in digests if digest in self.known}
        if new:
            seen = see(trunk, PictureDataset(pictures[new], [0] * len(new)), progress)
            found |= {
                digests[place]: (pooled, patches)
                for place, pooled, patches in zip(new, seen.pooled, seen.patches, strict=True)
            }
        self._keep(found)
        return Seen(
            np.stack([found[digest][0] for digest in digests]), np.stack([found[digest][1] for digest in digests])
        )

    def _keep(self, found: dict[str, tuple[Floats, Floats]]) -> None:
        """For this fit and the next, unless it is too much: then nothing is, and a large set is in memory once."""
        if not self._is_too_much:
            self._used |= found
            self._is_too_much = sum(_bytes(each) for each in self._used.values()) > MOST_BYTES
            self.known |= found
        if self._is_too_much:
            self.known.clear()
            self._used.clear()

    def draw(
        self, trunk: Trunk, pictures: PictureDataset, names: Sequence[str], drawn: Sequence[Draw], progress: Progress
    ) -> Draws:
        """The pooled features of what is drawn; ``names`` of the classes, by label.

        What was drawn for the fit before is taken again, if the picture is still of its class. Of the pictures that are
        new the draws are looked at, so that they count as much as in a fit of their own.
        """
        digests = [digest_of(each) for each in pictures.pixels]
        classes = [names[label] for label in pictures.labels]
        places = {each: place for place, each in enumerate(zip(digests, classes, strict=True))}
        before = list(zip(self.drawn.digests, self.drawn.classes, strict=True))
        kept = [row for row, each in enumerate(before) if each in places]
        had = {before[row] for row in kept}
        new = [draw for draw in drawn if (digests[draw.index], classes[draw.index]) not in had]
        progress(len(drawn) - len(new))
        parts = [self.drawn.pooled[kept]] if kept else []
        if new:
            parts.append(pooled_draws(trunk, pictures, new, progress).pooled.numpy())
        pooled = np.concatenate(parts)
        indices = [places[before[row]] for row in kept] + [draw.index for draw in new]
        self.drawn = Drawn(pooled, [digests[index] for index in indices], [classes[index] for index in indices])
        labels = [pictures.labels[index] for index in indices]
        return Draws(torch.from_numpy(pooled), torch.tensor(labels), torch.tensor(indices))


def digest_of(pixels: Pixels) -> str:
    """Names a picture by its pixels."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def key_of(config: TrainingConfig) -> str:
    """Names all that decides what a frozen trunk sees, and how pictures are augmented before it does."""
    network = config.network
    weights = Path(network.weights)
    said: dict[str, Any] = {
        "network": network.model_dump(mode="json"),
        "augment": config.augment.model_dump(mode="json"),
        "views": config.views,
        "seed": config.seed,
        "torch": torch.__version__,
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else "",
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _bytes(seen: tuple[Floats, Floats]) -> int:
    pooled, patches = seen
    return pooled.nbytes + patches.nbytes
