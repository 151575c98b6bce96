"""How a benchmark divides a set: who trains, who is known, who tests, the same for every method that is compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

TRAIN_SHARE: Final = 0.6
"""Of the normals; all calibration happens inside it, and the rest is only scored."""

Setting = Literal["general", "hard"]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of a set's normals and, by type, of its anomalies.

    ``setting``: with ``general`` the known anomalies are of any type; with ``hard`` all are of ``type``, none of which
    is tested. Without shots it is nobody's.
    """

    seed: int
    shots: int
    setting: Setting | None
    type: str | None
    train: Rows
    test: Rows
    known: dict[str, Rows]
    unseen: dict[str, Rows]

    @property
    def tags(self) -> dict[str, object]:
        """What names the split in results."""
        return {"setting": self.setting, "type": self.type, "shots": self.shots, "seed": self.seed}


def splits(
    normals: int,
    anomalies: dict[str, int],
    *,
    seed: int,
    shots: Sequence[int],
    settings: Sequence[Setting],
    hard: Sequence[str],
) -> Iterator[Split]:
    """All splits of one seed, with the same normals in each; more shots are the fewer and others.

    A split that would leave no anomaly to test is none.

    ``normals`` and ``anomalies`` are numbers of pictures; ``hard`` the types that are known in turn.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(normals)
    count = round(TRAIN_SHARE * normals)
    train, test = np.sort(order[:count]), np.sort(order[count:])
    every = [(name, row) for name, number in anomalies.items() for row in range(number)]
    drawn = [every[place] for place in rng.permutation(len(every))]
    by_type = {name: rng.permutation(number) for name, number in anomalies.items()}
    everything = {name: np.arange(number) for name, number in anomalies.items()}
    for number in shots:
        if not number:
            yield Split(seed, 0, None, None, train, test, {}, everything)
            continue
        if "general" in settings and number < len(every):
            known = _grouped(drawn[:number])
            unseen = {name: np.setdiff1d(rows, known.get(name, ())) for name, rows in everything.items()}
            yield Split(seed, number, "general", None, train, test, known, unseen)
        for name in hard if "hard" in settings and len(anomalies) > 1 else ():
            others = {other: rows for other, rows in everything.items() if other != name}
            yield Split(seed, number, "hard", name, train, test, {name: np.sort(by_type[name][:number])}, others)


def _grouped(drawn: Sequence[tuple[str, int]]) -> dict[str, Rows]:
    names = sorted({name for name, _ in drawn})
    return {name: np.sort(np.array([row for other, row in drawn if other == name])) for name in names}
