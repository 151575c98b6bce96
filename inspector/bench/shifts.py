"""Contenders that take turns, so that whatever else the machine does in the meantime slows all of them alike."""

import itertools
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, BrokenBarrierError
from typing import Final, Protocol, Self

WARM_UP: Final = 20
"""Inspections of each worker before anything counts: caches fill, clocks rise, the engine allocates."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much work there is: so many inspections of all workers together, or so many seconds."""

    count: float = float("inf")
    seconds: float = float("inf")

    def share(self, n: int) -> "Amount":
        """One n-th of it."""
        return Amount(self.count / n, self.seconds / n)


class Shift:
    """One turn of one contender, shared by its workers: all begin together, and none begins anything after the end.

    However small the amount, there is one inspection for each worker.
    """

    def __init__(self, workers: int, amount: Amount) -> None:
        self._workers = workers
        self._amount = amount
        self._ready = Barrier(workers)
        self._begun = itertools.count()
        self._ends_s = float("inf")

    def begin(self) -> None:
        """Wait for the other workers. Raises threading.BrokenBarrierError when one of them failed."""
        self._ready.wait()
        self._ends_s = time.monotonic() + self._amount.seconds

    def goes_on(self) -> bool:
        """Whether one more inspection may begin; each yes is one of the shift's."""
        number = next(self._begun)
        return number < self._workers or (number < self._amount.count and time.monotonic() < self._ends_s)

    def abort(self) -> None:
        """Let nobody wait for a worker that has failed."""
        self._ready.abort()


@dataclass(frozen=True, slots=True)
class Spell:
    """What one worker did in one shift: milliseconds of each inspection by stage, and how long all of them took."""

    laps_ms: "dict[str, array[float]]" = field(default_factory=dict)
    count: int = 0
    duration_s: float = 0.0

    @property
    def rate(self) -> float:
        """Inspections a second."""
        return self.count / self.duration_s if self.count else 0.0


class Worker(Protocol):
    """One thread of a contender."""

    def work(self, shift: Shift) -> Spell:
        """Begin the shift, inspect while it goes on, and tell what was done."""


Rounds = list[list[Spell]]
"""Of one contender: by round, by worker."""


class Contest:
    """Contenders by name, each of some workers, on threads that live as long as the contest.

    Threads of their own for each shift would take memory of their own, and the network's caches would be cold.
    """

    def __init__(self, contenders: Mapping[str, Sequence[Worker]]) -> None:
        self._contenders = contenders
        self._pool = ThreadPoolExecutor(max(len(workers) for workers in contenders.values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def warm_up(self) -> None:
        """Let every worker do some work that does not count."""
        for workers in self._contenders.values():
            self._work(workers, Amount(count=WARM_UP * len(workers)))

    def take_turns(self, amount: Amount, rounds: int, progress: Callable[[], None]) -> dict[str, Rounds]:
        """What each contender did in each of the rounds that share the amount; ``progress`` is called after each shift.

        The order rotates from round to round, so that nobody always works behind the same other.
        """
        names = list(self._contenders)
        done: dict[str, Rounds] = {name: [] for name in names}
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                done[name].append(self._work(self._contenders[name], amount.share(rounds)))
                progress()
        return done

    def _work(self, workers: Sequence[Worker], amount: Amount) -> list[Spell]:
        shift = Shift(len(workers), amount)

        def work(worker: Worker) -> Spell:
            try:
                return worker.work(shift)
            except BrokenBarrierError:
                return Spell()  # another one failed, and its error is the one to tell
            except BaseException:
                shift.abort()
                raise

        return list(self._pool.map(work, workers))
