"""Whether passwords and keys are kept from those whom they do not concern."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_IROTH
from typing import Final

from pydantic import BaseModel

from inspector.doctor.findings import Finding, Subject, bad, good

SECRET: Final = {"password_file", "key_file", "key"}
"""Keys of the configuration that name a file with a secret, wherever they stand."""


def look_at_secrets(subject: Subject) -> Iterator[Finding]:
    """One finding for each file that is there; one that is not is told where it is needed."""
    for file in sorted(set(_secrets(subject.config))):
        if not file.exists():
            continue
        about = f"secret {file.name}"
        if file.stat().st_mode & S_IROTH:
            yield bad(about, f"{file} can be read by everybody", f"chmod o-r {file}")
        else:
            yield good(about, "not for everybody's eyes")


def _secrets(part: object) -> Iterator[Path]:
    if isinstance(part, BaseModel):
        for name, value in part:
            if name in SECRET and isinstance(value, Path):
                yield value
            yield from _secrets(value)
    elif isinstance(part, tuple | list):
        for each in part:
            yield from _secrets(each)
