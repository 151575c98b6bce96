"""Reading Fashion-MNIST: 28 x 28 grey pictures of ten classes, 60,000 for training and 10,000 for test.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms" (2017).
"""

import gzip
import hashlib
import urllib.request
import zlib
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
SHA256: Final = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
"""Of the files at the address. Debian packs the same contents anew, under other digests."""

SNEAKER, BOOT, CLASSES = 7, 9, 10
SIDE: Final = 28

IMAGES_START: Final = b"\0\0\x08\x03"
LABELS_START: Final = b"\0\0\x08\x01"
"""Of the IDX format: unsigned bytes in three dimensions, and in one."""


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
    images = _read(folder / f"{name}-images-idx3-ubyte.gz", IMAGES_START, header=16)
    labels = _read(folder / f"{name}-labels-idx1-ubyte.gz", LABELS_START, header=8)
    if images.size != labels.size * SIDE * SIDE:
        raise DataError(f"{folder}: {name} has {labels.size} labels for {images.size} pixels; get the files again")
    return Split(images.reshape(-1, SIDE, SIDE), labels)


def _read(file: Path, start: bytes, header: int) -> NDArray[np.uint8]:
    advice = "apt-get install dataset-fashion-mnist, or give --data or --download"
    try:
        data = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: {error}; {advice}") from error
    if not data.startswith(start) or len(data) < header:
        raise DataError(f"{file}: not the file of this name of Fashion-MNIST; {advice}")
    return np.frombuffer(data, np.uint8, offset=header)


def download(folder: Path) -> None:
    """Fetch the four files into ``folder``, each kept only if its digest is right. What is there already stays.

    Raises DataError when one cannot be fetched, is not the one that was published, or cannot be written.
    """
    for name, digest in SHA256.items():
        file = folder / name
        try:
            if file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == digest:
                continue
            data = _fetch(f"{ADDRESS}/{name}", digest)
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        except OSError as error:
            raise DataError(f"{file}: cannot be fetched from {ADDRESS}: {error}; give --data another folder") from error


def _fetch(address: str, digest: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - one of four fixed addresses
        data: bytes = answer.read()
    if hashlib.sha256(data).hexdigest() != digest:
        raise DataError(f"{address}: not the file that was published, or damaged on the way; nothing was kept")
    return data
