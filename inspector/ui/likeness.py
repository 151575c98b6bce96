"""Why a part was judged as it was: of the pictures that its bundle carries, the ones that it looks most like."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from inspector.bundle import GOLDEN, Bundle, read_bundle, read_manifest
from inspector.bundle.manifest import AnomalyType
from inspector.engines import DEFAULT
from inspector.errors import BundleError
from inspector.inspection import Floats, Pixels
from inspector.pictures import read_picture

KEPT: Final = 2
"""Bundles in memory: the one that judges and the one before."""

NORMAL: Final = "normal"
"""The label of golden pictures that show good parts."""


@dataclass(frozen=True, slots=True)
class Match:
    """A golden picture, and the cosine of the angle between its features and the part's."""

    file: str
    label: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The nearest of each kind; None where the bundle carries none."""

    normal: Match | None
    anomaly: Match | None


@dataclass(frozen=True, slots=True)
class _Known:
    bundle: Bundle
    pooled: Floats
    """(n, p), a row for each golden picture, of length 1."""


class Likeness:
    """``folders`` says where bundles may be found now. Any thread may ask; one is answered at a time."""

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        self._folders = folders
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking = Lock()

    def nearest(self, digest: str, picture: Path) -> Matches | None:
        """What the picture looks like to the bundle of this digest.

        None where the bundle is not there any more. Raises BundleError and FrameError for what cannot be read.
        """
        with self._asking:
            known = self._of(digest)
            if not known:
                return None
            (own,) = _pooled(known.bundle, [known.bundle.prepare(read_picture(picture))])
        golden, near = known.bundle.manifest.golden, known.pooled @ own
        matches = [Match(each.file, each.label, float(near[i])) for i, each in enumerate(golden)]
        return Matches(
            normal=_best(match for match in matches if match.label == NORMAL),
            anomaly=_best(match for match in matches if match.label != NORMAL),
        )

    def golden(self, digest: str, file: str) -> Path | None:
        """A golden picture of a bundle that was asked for before; no path is made of another word."""
        with self._asking:
            known = self._known.get(digest)
        if not known or file not in {each.file for each in known.bundle.manifest.golden}:
            return None
        return known.bundle.path / GOLDEN / file

    def bundle(self, digest: str) -> Bundle | None:
        """The bundle of this digest, None where it is not there any more. Raises BundleError."""
        with self._asking:
            known = self._of(digest)
        return known.bundle if known else None

    def types(self, digest: str) -> tuple[AnomalyType, ...]:
        """Those that the model of this digest was trained with; none where it is not there any more."""
        folder = self._folder(digest)
        return read_manifest(folder)[0].anomaly_types if folder else ()

    def _of(self, digest: str) -> _Known | None:
        known = self._known.get(digest) or self._read(digest)
        if known:
            self._known[digest] = known
            self._known.move_to_end(digest)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return known

    def _read(self, digest: str) -> _Known | None:
        folder = self._folder(digest)
        if folder is None:
            return None
        bundle = read_bundle(folder, DEFAULT)
        return _Known(bundle, _pooled(bundle, [pixels for _, pixels in bundle.golden()]))

    def _folder(self, digest: str) -> Path | None:
        return next((each for each in self._folders() if _digest_in(each) == digest), None)


def _digest_in(folder: Path) -> str | None:
    try:
        return read_manifest(folder)[1]
    except BundleError:  # one that cannot be read is not the one that judged
        return None


def _pooled(bundle: Bundle, pictures: list[Pixels]) -> Floats:
    rows = []
    for pixels in pictures:
        features = bundle.embedder.embed(pixels[None])
        rows.append(features.embedding if features.pooled is None else features.pooled)
    return np.concatenate(rows)


def _best(matches: Iterable[Match]) -> Match | None:
    return max(matches, key=lambda match: match.similarity, default=None)
