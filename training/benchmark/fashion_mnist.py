"""Reading Fashion-MNIST: 28 x 28 grey pictures of ten classes, 60,000 for training and 10,000 for test.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms" (2017).
"""

import gzip
import hashlib
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError
from inspector.inspection import Pixels
from inspector.pictures import resize

DEBIAN: Final = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the files."""

ADDRESS: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
MD5: Final = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
"""Digests that the data set's authors publish."""

SNEAKER, BOOT, CLASSES = 7, 9, 10
SIDE: Final = 28


@dataclass(frozen=True, slots=True)
class Split:
    """``pictures``: (n, 28, 28) uint8; ``labels``: (n,) class numbers."""

    pictures: Pixels
    labels: NDArray[np.uint8]

    def rows_of(self, label: int) -> NDArray[np.intp]:
        """Where the pictures of one class are."""
        return np.flatnonzero(self.labels == label)

    def enlarged(self, rows: NDArray[np.intp], side: int) -> Pixels:
        """(n, side, side, 3) uint8: the chosen pictures at a network's input size."""
        return np.stack([resize(np.dstack([self.pictures[row]] * 3), side, side) for row in rows])


def read_split(folder: Path, name: str) -> Split:
    """``train`` or ``t10k`` from the four files in ``folder``. Raises DataError when one is missing or damaged."""
    images, labels = (
        _read(folder / f"{name}-{what}-ubyte.gz", offset) for what, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    if images.size != labels.size * SIDE * SIDE:
        raise DataError(f"{folder}: {name} has {labels.size} labels for {images.size} pixels; get the files again")
    return Split(images.reshape(-1, SIDE, SIDE), labels)


def _read(file: Path, offset: int) -> NDArray[np.uint8]:
    try:
        return np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=offset)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{file}: {error}; apt-get install dataset-fashion-mnist, or give --data or --download"
        ) from error


def download(folder: Path) -> None:
    """Fetch the four files, checking each digest. Raises DataError when one does not arrive as it should."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in MD5.items():
        try:
            with urllib.request.urlopen(f"{ADDRESS}/{name}", timeout=60) as answer:  # noqa: S310 - a fixed address
                data = answer.read()
        except OSError as error:
            raise DataError(f"{ADDRESS}/{name}: {error}") from error
        if hashlib.md5(data).hexdigest() != digest:  # noqa: S324 - against damage; it is what the authors publish
            raise DataError(f"{ADDRESS}/{name}: arrived damaged")
        (folder / name).write_bytes(data)
