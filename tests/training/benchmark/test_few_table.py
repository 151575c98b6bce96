import re

import numpy as np
import pytest
from scipy import stats

from training.benchmark.few_table import groups, interval, print_tables


def row(name="plates", setting="hard", *, of=None, shots=10, seed=0, normals_only=0.9, shipped=0.95, **more):
    figures = {"recall": {"1%": 0.25, "5%": 0.5}, "types": {}}
    gate = {"ships": "with anomalies" if shipped > normals_only else "normals only"} if shots else None
    return {
        "set": name, "setting": setting, "type": of, "shots": shots, "seed": seed, "gate": gate, "fit_seconds": 1.0,
        "normals_only": {"auroc": normals_only, **figures}, "shipped": {"auroc": shipped, **figures}, **more,
    }  # fmt: skip


@pytest.fixture
def printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")

    def call(*rows):
        print_tables(rows)
        return capsys.readouterr().out

    return call


def cells(printed):
    return [
        [cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if line.startswith("│")
    ]


def test_the_interval_is_students():
    values = [0.91, 0.93, 0.9, 0.95, 0.94]

    mean, half = interval(values)

    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_a_single_seed_has_no_interval():
    assert interval([0.9]) == (0.9, 0.0)


def test_rows_are_grouped_in_their_order():
    rows = [row(seed=seed, shots=shots, of=of) for seed in range(2) for shots in (1, 10) for of in "ab"]

    grouped = groups(rows)

    assert list(grouped) == [("plates", "hard", 1), ("plates", "hard", 10)]
    assert [len(own) for own in grouped.values()] == [4, 4]


def test_types_are_averaged_before_the_interval_over_seeds(printed):
    """Else many types would look like many seeds."""
    rows = [row(seed=seed, of=of, shipped=0.9 + 0.02 * seed + way) for seed in range(3) for of, way in
            (("a", 0.05), ("b", -0.05))]  # fmt: skip

    ((*_, shipped, _, _, ships, worst),) = cells(printed(*rows))

    assert shipped == f"0.9200 ± {interval([0.9, 0.92, 0.94])[1]:.4f}"
    assert (ships, worst) == ("3 of 6 ship", "-0.0500")


def test_without_shots_there_is_no_gate(printed):
    ((*_, normals_only, shipped, at_1, at_5, ships, worst),) = cells(printed(row(setting=None, shots=0, shipped=0.9)))

    assert (normals_only, shipped) == ("0.9000 ± 0.0000",) * 2
    assert (at_1, at_5) == ("0.250", "0.500")
    assert (ships, worst) == ("", "")


def test_rows_that_are_worse_are_counted(printed):
    said = printed(row(shipped=0.8951), row(seed=1, shipped=0.8949), row(seed=2, shipped=0.96))

    assert re.search(r"worse by more than 0\.005: 1 of 3", said)


def test_pixel_figures_and_the_peer_are_told_where_there_are_any(printed):
    said = printed(
        row(shots=0, pixel={"auroc": 0.9, "pro": 0.7}, peer={"auroc": 0.8}),
        row(shots=0, seed=1, pixel={"auroc": 0.8, "pro": 0.5}, normals_only=0.7, shipped=0.7),
        row(name="rods", pixel=None),
    )

    assert "plates: pixel AUROC 0.850, PRO 0.600" in said
    assert "plates: anomalib's PatchCore 0.800 on splits where normals only is 0.900" in said
    assert "rods: " not in said
