"""What was measured of the engines on this machine, remembered beside the bundle in ``<bundle>.engine.json``.

Beside it, since the bundle itself may not change.
"""

import logging
import os
import platform
import re
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, ValidationError

from inspector.cores import Cores, usable_cores
from inspector.engines import Engine, EngineKind, Precision, installed
from inspector.settings import Settings

log = logging.getLogger(__name__)

PROCESSORS: Final = Path("/proc/cpuinfo")


class Situation(Settings):
    """All that decides which engine is the quickest: once any of it changed, what was measured says nothing."""

    bundle: str
    """Digest of the bundle."""
    processor: str
    """Its model, as it names itself."""
    usable_cores: int
    """Cores that the process may run on."""
    threads: int
    """Cores that one call may use; 0 is all."""
    cpu_affinity: Cores
    """Cores that the threads stay on, if any are named."""
    versions: dict[str, str]
    """Of the engines' packages that are installed."""
    candidates: tuple[str, ...]
    """What there was to choose from."""


class Choice(Settings):
    """What was measured in a situation, and what was chosen for it."""

    situation: Situation
    engine: EngineKind
    precision: Precision
    medians_ms: dict[str, float]
    """Milliseconds that one picture takes, by candidate."""
    out: dict[str, str]
    """Candidates that cannot be used, each with its reason."""
    measured_at: AwareDatetime

    def __str__(self) -> str:
        by_speed = sorted(self.medians_ms.items(), key=lambda each: each[1])
        said = ", ".join(f"{name} {ms:.2f} ms" for name, ms in by_speed)
        left_out = "".join(f"; {name} is out: {why}" for name, why in self.out.items())
        chosen = f"{self.engine} {self.precision} is the quickest here, measured {self.measured_at:%Y-%m-%d}"
        return f"{chosen}: {said}{left_out}"


class EngineRecord(Settings):
    """``<bundle>.engine.json``."""

    choices: tuple[Choice, ...] = ()
    """One for each situation: stations that share a bundle may have different threads."""


def situation(digest: str, candidates: list[Engine]) -> Situation:
    """The one in which this machine is with the bundle of this digest."""
    return Situation(
        bundle=digest,
        processor=_processor(),
        usable_cores=len(usable_cores()),
        threads=candidates[0].threads,
        cpu_affinity=candidates[0].cores,
        versions=installed(),
        candidates=tuple(map(str, candidates)),
    )


def remembered(bundle: Path, now: Situation) -> Choice | None:
    """The choice that was made in this situation, if any was."""
    return next((choice for choice in _read(_file(bundle)) if choice.situation == now), None)


def remember(bundle: Path, choice: Choice) -> None:
    """Keep the choice, and those of other situations with the same bundle. Where that fails, a warning says so."""
    file = _file(bundle)
    others = [each for each in _read(file) if each.situation.bundle == choice.situation.bundle]
    record = EngineRecord(choices=(choice, *(each for each in others if each.situation != choice.situation)))
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        log.warning("%s: cannot be written (%s); the engines are measured at each start", file, error.strerror)


def _file(bundle: Path) -> Path:
    whole = bundle.resolve()
    return whole.with_name(f"{whole.name}.engine.json")


def _read(file: Path) -> tuple[Choice, ...]:
    try:
        return EngineRecord.model_validate_json(file.read_bytes()).choices
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        log.warning("%s: cannot be used (%s); the engines are measured again", file, type(error).__name__)
        return ()


def _processor() -> str:
    """Of x86 processors, the model; others name only their instruction set."""
    named = re.search(r"^model name\s*: (.*)$", PROCESSORS.read_text(), re.MULTILINE) if PROCESSORS.exists() else None
    return named[1] if named else platform.machine()
