"""Two programs that share the cores and never work at once: questions through pipes, rounds, and ratios of a round."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import IO, Any, Final, Literal, Self, cast

import numpy as np

from inspector.errors import ConfigError, DataError
from training.benchmark.peer import SETUP, TAIL_LINES

SETUP_OPENVINO: Final = f"{SETUP}\nbuild/anomalib/bin/pip install openvino==2026.4.1 onnx==1.23.2 onnxscript==0.7.2"
"""What the export to OpenVINO needs besides, the engine of the version that ours runs in."""

TURN_S: Final = 1.0
"""A turn ends after so long, though with two pictures at least: slow models shall not take all of a round."""

Stage = Literal["network", "verdict", "map"]
Progress = Callable[[int, int], None]


def unheard(_: int, __: int) -> None:
    """Progress that nobody looks at."""


class Worker:
    """A program that answers questions: one JSON object a line to its standard input, one back.

    Its standard error goes to the file ``log``. It ends when the ``with`` block does. Raises ConfigError where it
    cannot be started.
    """

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self._name, self._log = str(command[0]), log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as errors:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the user names the Python
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8", bufsize=1
                )
            except OSError as error:
                raise ConfigError(
                    f"{self._name}: {error.strerror}. The peer's environment is made by:\n{SETUP_OPENVINO}"
                ) from error
        self._questions = cast("IO[str]", self._process.stdin)
        self._answers = cast("IO[str]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()  # what it is at is wanted no longer
        with suppress(BrokenPipeError):
            self._questions.close()
        self._process.wait()
        self._answers.close()

    def ask(self, do: str, progress: Progress = unheard, **question: Any) -> Any:
        """The answer. ``progress`` is told, out of how much, before it comes, by a worker that tells.

        Raises DataError with the end of what the program said when it ends instead, ConfigError for a missing package.
        """
        with suppress(BrokenPipeError):  # a program that has ended gives no answer either
            self._questions.write(json.dumps({"do": do, **question}, default=str) + "\n")
        for line in self._answers:
            said = json.loads(line)
            if "answer" in said:
                return said["answer"]
            progress(*said["progress"])
        raise self._end()

    def _end(self) -> ConfigError | DataError:
        status, said = self._process.wait(), self._log.read_text(errors="replace").splitlines()
        tail = "\n".join(said[-TAIL_LINES:])
        if "ModuleNotFoundError" in tail or "PackageNotFoundError" in tail:
            return ConfigError(
                f"{self._name} lacks a package:\n{tail}\nThe peer's environment is made by:\n{SETUP_OPENVINO}"
            )
        return DataError(f"{self._name} ended with status {status}; the end of {self._log}:\n{tail}")


@dataclass(frozen=True, slots=True)
class Turn:
    """What is timed: a stage of a model that a worker has loaded."""

    worker: str
    model: str
    stage: Stage


def take_turns(
    workers: Mapping[str, Worker],
    turns: Sequence[Turn],
    *,
    rounds: int,
    rows: Sequence[Sequence[int]],
    progress: Progress = unheard,
    seed: int = 0,
) -> dict[Turn, list[float]]:
    """Seconds a picture of each turn by round, the median of the pictures of that round.

    In each round every turn comes once, in an order drawn anew, so that whatever else the machine does meets all alike.
    ``rows``: the pictures of a round, the same for all; they are gone through again when they are used up.
    """
    rng = np.random.default_rng(seed)
    taken: dict[Turn, list[float]] = {turn: [] for turn in turns}
    for number in range(rounds):
        own = list(rows[number % len(rows)])
        for place, index in enumerate(rng.permutation(len(turns))):
            turn = turns[index]
            asked = {"model": turn.model, "stage": turn.stage, "rows": own, "limit_s": TURN_S}
            taken[turn].append(median(workers[turn.worker].ask("time", **asked)))
            progress(number * len(turns) + place + 1, rounds * len(turns))
    return taken


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median of the ratios of the rounds, and their quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, own: Sequence[float], other: Sequence[float]) -> Self:
        """Of seconds by round, each divided by the other's of the same round."""
        lower, middle, upper = np.quantile(np.array(own) / np.array(other), (0.25, 0.5, 0.75)).tolist()
        return cls(middle, lower, upper)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lower:.2f} to {self.upper:.2f})"
