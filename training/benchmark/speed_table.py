"""The table of the speed benchmark: ratios within a round first, and the AUROC of the very models that were timed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from inspector.errors import ConfigError
from training.benchmark.speed_models import Model
from training.benchmark.speed_turns import Ratio, Stage, Turn

BEGIN: Final = "<!-- inspector-train benchmark speed: begin -->"
END: Final = "<!-- inspector-train benchmark speed: end -->"
"""What stands between these lines of a file is the command's."""

HEADINGS: Final = (
    "model", "engine", "network, ms", "to verdict, ms", "with heat map, ms", "verdict / PaDiM, ResNet-18",
    "verdict / fastest peer", "verdict / network", "heat map / network",
)  # fmt: skip

PADIM: Final = "PaDiM, ResNet-18"
"""The fastest of anomalib's models as it comes."""

NOTES: Final = """\
- A row's AUROC is of the very models that were timed: one for each set, its time the mean of theirs. All were shown the
  same 60 % of the normals, and are tested on the rest and on all anomalies that they do not know.
- A ratio to a peer is to its row of the same precision, for int8 to the faster of its rows; *fastest peer* is the
  fastest row of all. anomalib's graphs give score and map together, so a verdict takes as long as a map.
- ResNet-18 and EfficientAD-S have random weights, since theirs are downloads that no package carries: time without
  AUROC. *lite0* are the same methods with the weights that ours has, and an AUROC; STFPM's student learned 5 epochs.
- anomalib's graphs take 256 x 256, its default; ours shrinks the picture to the 224 x 224 that it is configured for.
- bfloat16 is what OpenVINO takes by itself where the processor has it; ours does not let it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one engine, on all sets: ``seconds`` by stage and round, ``auroc`` by set."""

    worker: str
    name: str
    engine: str
    precision: str
    seconds: Mapping[Stage, Sequence[float]]
    auroc: Mapping[str, float]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Sequence[float]:
        """Seconds to a verdict by round: a peer's graph gives it together with the map."""
        return self.seconds.get("verdict", self.seconds["map"])

    def fastest_peer(self, rows: Sequence["Row"], name: str | None = None) -> "Row":
        """What it is compared with: of anomalib's models the fastest of its precision, or of all where it has none.

        ``name``: of this model alone.
        """
        peers = [row for row in rows if row.worker == "anomalib" and name in (None, row.name)]
        alike = [row for row in peers if row.precision == self.precision]
        return min(alike or peers, key=lambda row: median(row.verdict))

    def figures(self, rows: Sequence["Row"]) -> dict[str, Any]:
        """Everything that was measured, for the JSON file."""
        peer = self.fastest_peer(rows)
        return {
            "worker": self.worker,
            "model": self.name,
            "engine": self.engine,
            "median_ms": {stage: 1e3 * median(own) for stage, own in self.seconds.items()},
            "fastest_peer": f"{peer.name}, {peer.engine}",
            "ratios": {name: [of.median, of.lower, of.upper] for name, of in self.ratios(rows).items()},
            "auroc": dict(self.auroc),
            "notes": dict(self.notes),
            "seconds": {stage: list(own) for stage, own in self.seconds.items()},
        }

    def ratios(self, rows: Sequence["Row"]) -> dict[str, Ratio]:
        """By the headings of the table."""
        ratios = {
            "verdict / PaDiM, ResNet-18": Ratio.of(self.verdict, self.fastest_peer(rows, PADIM).verdict),
            "verdict / fastest peer": Ratio.of(self.verdict, self.fastest_peer(rows).verdict),
        }
        if network := self.seconds.get("network"):
            ratios["verdict / network"] = Ratio.of(self.verdict, network)
            ratios["heat map / network"] = Ratio.of(self.seconds["map"], network)
        return ratios

    def cells(self, rows: Sequence["Row"], sets: Sequence[str]) -> list[str]:
        """Of one line of the table."""
        ms = {stage: f"{1e3 * median(own):.1f}" for stage, own in self.seconds.items()}
        ratios = {name: str(ratio) for name, ratio in self.ratios(rows).items()}
        return [
            self.name,
            self.engine,
            ms.get("network", ""),
            ms.get("verdict", ms["map"]),
            ms["map"],
            *(ratios.get(heading, "") for heading in HEADINGS[5:]),
            *(f"{self.auroc[name]:.4f}" if name in self.auroc else "" for name in sets),
        ]


def rows_of(
    models: Sequence[Model], seconds: Mapping[Turn, Sequence[float]], auroc: Mapping[str, float | None]
) -> list[Row]:
    """One row for a model that several sets have: the mean of their times in each round. ``auroc`` by model's name."""
    grouped: dict[tuple[str, str, str], list[Model]] = {}
    for model in models:
        grouped.setdefault((model.worker, model.row, model.engine), []).append(model)
    return [
        Row(
            worker=worker,
            name=name,
            engine=engine,
            precision=own[0].options["precision"],
            seconds={
                stage: np.mean([seconds[Turn(worker, model.name, stage)] for model in own], axis=0).tolist()
                for stage in own[0].stages
            },
            auroc={model.set: found for model in own if (found := auroc[model.name]) is not None},
            notes={model.set: dict(model.notes) for model in own},
        )
        for (worker, name, engine), own in grouped.items()
    ]


def headings(sets: Sequence[str]) -> list[str]:
    """Of the table's columns."""
    return [*HEADINGS, *(f"AUROC {name}" for name in sets)]


def captioned(record: Mapping[str, Any]) -> str:
    """On what, and how, the table was measured."""
    versions = {name: version for of in record["versions"].values() for name, version in of.items()}
    engines = ", ".join(
        f"{name} {versions[name]}" for name in ("onnxruntime", "openvino", "anomalib") if name in versions
    )
    return (
        f"256 x 256, one picture at a time, {record['threads']} threads, {record['processor']}, {engines}; "
        f"load beforehand {record['load_before']:.1f}. In each of {record['rounds']} rounds all rows took turns of "
        f"{record['pictures']} pictures in random order. Milliseconds are medians over the rounds, ratios are of the "
        "same round: median (quartiles)."
        + (f" Not fitted, and left out: {', '.join(left_out)}." if (left_out := record["left_out"]) else "")
    )


def markdown(rows: Sequence[Row], sets: Sequence[str], caption: str) -> str:
    """The table between its caption and its notes."""
    columns = headings(sets)
    lines = [columns, ["---"] * len(columns), *(row.cells(rows, sets) for row in rows)]
    notes = NOTES if (gate := _gate_in_words(rows)) is None else f"{NOTES}\n{gate}"
    return "\n".join([caption, "", *(f"| {' | '.join(cells)} |" for cells in lines), "", notes])


def _gate_in_words(rows: Sequence[Row]) -> str | None:
    """On which sets the known anomalies count."""
    ships = {name: gate for row in rows for name, of in row.notes.items() if (gate := of.get("gate"))}
    said = ", ".join(f"{gate} on {name}" for name, gate in ships.items())
    return f"- Where anomalies are known, the gate decides whether they count; it ships {said}." if said else None


def written_between(text: str, table: str, path: Path) -> str:
    """The text of the file ``path`` with the table between the two markers. Raises ConfigError where they lack."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigError(f"{path}: has no place for the table; put these two lines where it shall be:\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
