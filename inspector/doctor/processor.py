"""Whether this machine can run the engines that the configuration asks for."""

import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from inspector.cores import usable_cores
from inspector.doctor.findings import Finding, Subject, bad, good, unclear
from inspector.engines import can_run, installed

WIDE: Final = ("avx512_vnni", "avx_vnni", "avx512f", "avx2", "asimddp", "asimd")
"""Instructions that networks are computed with, as /proc/cpuinfo names them, the quickest first; asimd is ARM's."""


def look_at_processor(subject: Subject) -> Iterator[Finding]:
    """One finding about the processor, and one for each engine that is asked for by name."""
    flags = set(re.findall(r"[a-z0-9_]+", Path("/proc/cpuinfo").read_text(encoding="utf-8")))
    wide = [each for each in WIDE if each in flags]
    cores = f"{len(usable_cores())} cores, {platform.machine()}"
    if wide:
        yield good("processor", f"{cores} with {', '.join(wide)}")
    else:
        yield unclear("processor", f"{cores} without wide instructions", "it works, slowly: inspector bench tells")
    yield from _engines(subject)


def _engines(subject: Subject) -> Iterator[Finding]:
    versions = ", ".join(f"{package} {version}" for package, version in installed().items())
    for wish in sorted({subject.config.wish_of(station).engine for station in subject.config.stations}):
        if wish == "auto" or can_run(wish):
            yield good(f"engine {wish}", f"installed: {versions}")
        else:
            extra = "'line-inspector[openvino]'" if wish == "openvino" else "onnxruntime-gpu"
            yield bad(f"engine {wish}", f"is not installed; installed: {versions}", f"pip install {extra}")
