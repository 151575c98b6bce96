"""The folder of bundles that may be deployed, each under its digest: ``<folder>/bundles/<digest>/``."""

import hashlib
import os
import re
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from inspector.bundle import MANIFEST, Manifest, read_manifest
from inspector.errors import BundleError, ModelError

BUNDLES: Final = "bundles"
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
SHORTEST_DIGEST: Final = 8
"""Digits that a digest may be cut to."""


class Store:
    """Bundles appear in it whole or not at all, and never change."""

    def __init__(self, folder: Path) -> None:
        self._bundles = folder / BUNDLES

    def path(self, digest: str) -> Path:
        """Where the bundle of this digest is, or would be."""
        return self._bundles / digest

    def digests(self) -> list[str]:
        """All that are there, the one that was added last first."""
        if not self._bundles.is_dir():
            return []
        added = [
            (each.stat().st_mtime_ns, each.name) for each in self._bundles.iterdir() if DIGEST.fullmatch(each.name)
        ]
        return [name for _, name in sorted(added, reverse=True)]

    def find(self, wanted: str) -> str:
        """The digest of the bundle that is meant: by the first digits of its digest, or the newest of that name.

        What is ``wanted`` is only compared, never part of a path. Raises ModelError.
        """
        digests = self.digests()
        if len(wanted) >= SHORTEST_DIGEST:
            found = [each for each in digests if each.startswith(wanted)]
            if len(found) == 1:
                return found[0]
        named = {each: manifest for each in digests if (manifest := self._manifest(each)) and manifest.name == wanted}
        if not named:
            known = ", ".join(each[:12] for each in digests) or "none yet"
            raise ModelError(
                f"the store has no bundle {wanted!r}; it has {known}; `inspector deploy` brings them there"
            )
        return max(named, key=lambda each: named[each].created)

    def add(self, source: Path) -> str:
        """Copy a bundle in, unless it is there. Returns its digest. Raises BundleError, ModelError."""
        manifest, digest = read_manifest(source)
        target, draft = self.path(digest), self.path(f".{digest}.{os.getpid()}")
        try:
            if not (target.is_dir() and _is_whole(target, manifest)):
                _copy(source, draft, manifest)
                shutil.rmtree(target, ignore_errors=True)  # whatever lay there was damaged
                draft.rename(target)
                sync(self._bundles)
            os.utime(target)
        except OSError as error:
            raise ModelError(f"{self._bundles}: cannot take the bundle {source}: {error.strerror}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return digest

    def prune(self, keep: int, spared: Collection[str]) -> list[str]:
        """Remove the oldest of more than ``keep``, but none that is ``spared``. Returns what was removed."""
        removed = [each for each in self.digests()[keep:] if each not in spared]
        for digest in removed:
            shutil.rmtree(self.path(digest), ignore_errors=True)
            with suppress(OSError):
                self.path(f"{digest}.engine.json").unlink()
        return removed

    def _manifest(self, digest: str) -> Manifest | None:
        with suppress(BundleError):
            return read_manifest(self.path(digest))[0]
        return None


def _copy(source: Path, draft: Path, manifest: Manifest) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    for name in (MANIFEST, *manifest.files):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BundleError(f"{source / MANIFEST}: names a file outside of the bundle, {name!r}")
        file = draft / name
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (source / name).open("rb") as read, file.open("wb") as written:
            shutil.copyfileobj(read, written)
            written.flush()
            os.fsync(written.fileno())
        file.chmod(0o644)  # whoever brings a bundle is not who reads it
    if not _is_whole(draft, manifest):
        raise BundleError(f"{source}: a file is not what {MANIFEST} says; export the bundle again, or copy it again")
    for folder in (each for each in (draft, *draft.rglob("*")) if each.is_dir()):
        folder.chmod(0o755)
        sync(folder)


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    return all((folder / name).is_file() and _sha256(folder / name) == said for name, said in manifest.files.items())


def _sha256(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def sync(folder: Path) -> None:
    """A rename is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
