"""Which bundle judges at a station, and which did before, kept in ``<folder>/stations/<station>.json``."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import StringConstraints, ValidationError

from inspector.errors import ModelError
from inspector.models.store import sync
from inspector.settings import Settings

STATIONS: Final = "stations"
CONFIGURED: Final = "configured"
"""The bundle that the configuration names, or none where it names none, in the place of a digest."""

Source = Literal["configured"] | Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Pointer(Settings):
    """What a station judges by, across restarts."""

    current: Source = CONFIGURED
    """Digest of a bundle in the store."""
    previous: Source | None = None
    """What ``rollback`` goes back to."""
    configured: str = ""
    """What the configuration named meanwhile, empty for nothing: once it names another, that was the later decision."""
    proved: bool = True
    """Whether ``current`` has come through its probation."""

    def valid(self, configured: Path | None) -> "Pointer":
        """What a start judges by: a model that may have ended the last life on probation gets no second chance."""
        if self.configured != said(configured):
            return Pointer(configured=said(configured))
        if self.proved or self.previous is None:
            return self
        return Pointer(current=self.previous, configured=self.configured)


class PointerFile:
    """Read at the start, written at each change: the old pointer or the new one is on the disk, never half of one."""

    def __init__(self, folder: Path, station: str) -> None:
        self.path = folder / STATIONS / f"{station}.json"

    def read(self) -> Pointer:
        """What was written last; the configuration's bundle where nothing was. Raises ModelError for a damaged file."""
        try:
            return Pointer.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Pointer()
        except (OSError, ValidationError) as error:
            raise ModelError(f"{self.path}: cannot be read ({type(error).__name__}); deploy a bundle again") from error

    def write(self, pointer: Pointer) -> None:
        """Raises ModelError where the disk does not take it, and then nothing has changed."""
        draft = self.path.with_suffix(f".{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as file:
                file.write(pointer.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise ModelError(f"{self.path}: cannot be written: {error.strerror}") from error


def said(configured: Path | None) -> str:
    """As a pointer has it."""
    return str(configured or "")


def pointed_to(folder: Path) -> set[str]:
    """Every bundle that some station judges by, or did before; an unreadable pointer points nowhere."""
    spared: set[str] = set()
    for file in (folder / STATIONS).glob("*.json"):
        try:
            pointer = Pointer.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            continue
        spared |= {each for each in (pointer.current, pointer.previous) if each}
    return spared
