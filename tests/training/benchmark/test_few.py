import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tests.parts import (
    PARTS_WITH_EVIDENCE,
    SIZE,
    frozen_network,
    good_parts,
    scratched_parts,
    small_config,
    spotted_parts,
    write_parts,
)
from training.benchmark import few
from training.benchmark.few_seen import VIEWS, OfSeed, SetSeen
from training.benchmark.sets import find_sets
from training.benchmark.splits import splits
from training.cli import main
from training.config import DataSettings
from training.fit import fit_seen
from training.learn import Draws
from training.parts import Distances

NORMALS, SCRATCHES, SPOTS = 50, 8, 5
CONFIG = small_config(
    network=frozen_network(),
    scorers=PARTS_WITH_EVIDENCE,
    views=2,
    data=DataSettings(root="unused"),
    trainer={"max_epochs": 2},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A set of two types with masks for one of them, and a set of one type."""
    folder = tmp_path_factory.mktemp("sets")
    scratched = scratched_parts(SCRATCHES, seed=1)
    write_parts(folder / "plates" / "normal", good_parts(NORMALS))
    write_parts(folder / "plates" / "scratch", scratched)
    write_parts(folder / "plates" / "_masks" / "scratch", np.where(scratched > 200, np.uint8(255), np.uint8(0)))
    write_parts(folder / "plates" / "spot", spotted_parts(SPOTS, seed=2))
    write_parts(folder / "rods" / "normal", good_parts(40, seed=3))
    write_parts(folder / "rods" / "scratch", scratched_parts(6, seed=4))
    return folder


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """The untrained light network sees the same in every run."""
    monkeypatch.setattr(few, "CONFIG", CONFIG)
    monkeypatch.setenv("COLUMNS", "160")

    def seeded(config, *rest):
        torch.manual_seed(0)
        return of(config, *rest)

    of = SetSeen.of
    monkeypatch.setattr(few.SetSeen, "of", seeded)


def run(folder, out, *options):
    """The exit status."""
    return main(["benchmark", "few", "--data", str(folder), "--json", str(out), *options])


def rows(out):
    return json.loads(out.read_text())["rows"]


def figures(row):
    """All but the time that it took."""
    return {key: value for key, value in row.items() if key != "fit_seconds"}


def tags(row):
    return row["set"], row["setting"], row["type"], row["shots"], row["seed"]


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):
    """Made once, with what was printed."""
    return tmp_path_factory.mktemp("out") / "few.json"


@pytest.fixture
def whole(folder, made, capsys):
    """The rows of an uninterrupted run, and what it printed."""
    assert run(folder, made, "--shots", "0,1,4", "--seeds", "2") == 0
    return rows(made), capsys.readouterr().out


class TestRows:
    def test_there_is_one_for_each_set_setting_type_shots_and_seed(self, whole):
        by_set = {
            "plates": [(None, None, 0)]
            + [each for shots in (1, 4) for each in
               (("general", None, shots), ("hard", "scratch", shots), ("hard", "spot", shots))],
            "rods": [(None, None, 0), ("general", None, 1), ("general", None, 4)],
        }  # fmt: skip

        assert [tags(row) for row in whole[0]] == [
            (name, *each, seed) for name, own in by_set.items() for seed in range(2) for each in own
        ]

    def test_each_has_all_figures(self, whole):
        for row in whole[0]:
            for of in ("normals_only", "shipped"):
                own = row[of]
                tested = {"scratch", "spot"} if row["set"] == "plates" else {"scratch"}
                assert own["types"].keys() == tested - {row["type"]}
                assert own["recall"].keys() == {"1%", "5%"}
                assert 0 <= own["recall"]["1%"] <= own["recall"]["5%"] <= 1
                assert 0.5 < own["auroc"] <= 1
                assert min(own["types"].values()) <= own["auroc"] <= max(own["types"].values())
            assert row["fit_seconds"] > 0

    def test_the_gates_decision_is_told(self, whole):
        for row in whole[0]:
            if not row["shots"]:
                assert row["gate"] is None
                assert row["shipped"] == row["normals_only"]
            elif row["shots"] == 1:
                assert row["gate"]["ships"] == "normals only"
                assert "1 anomaly picture(s)" in row["gate"]["reason"]
                assert row["shipped"] == row["normals_only"]
            else:
                assert row["gate"]["pictures"] == 4

    def test_pixel_figures_are_there_where_masks_are(self, whole):
        for row in whole[0]:
            if row["set"] == "plates" and not row["shots"]:
                assert 0.5 < row["pixel"]["auroc"] <= 1
                assert 0 < row["pixel"]["pro"] <= 1
            else:
                assert row.get("pixel") is None

    def test_normals_only_are_the_same_whatever_is_known(self, whole):
        """In general another picture is left to be tested; those of a type that none is known of are all there."""
        own = {tags(row): row["normals_only"] for row in whole[0]}

        for seed in range(2):
            every = own["plates", None, None, 0, seed]["types"]
            assert own["plates", "hard", "scratch", 4, seed]["types"] == {"spot": every["spot"]}
            assert own["plates", "hard", "spot", 1, seed]["types"] == {"scratch": every["scratch"]}

    def test_the_file_says_on_what_and_with_what_they_were_made(self, whole, made):
        record = json.loads(made.read_text())

        assert record["config"] == CONFIG.model_dump(mode="json")
        assert record["machine"].keys() >= {"platform", "cores", "torch"}

    def test_people_get_a_table(self, whole):
        said = whole[1]

        for line in ("plates . 0", "plates general 4", "plates hard 1", "rods general 4"):
            name, setting, shots = line.split()
            cells = [name, "" if setting == "." else setting, shots]
            (printed,) = (
                each for each in said.splitlines() if [cell.strip() for cell in each.split("│")[1:4]] == cells
            )
            assert "±" in printed
        assert "worse by more than 0.005: 0 of 20\n" in said
        assert "plates: pixel AUROC 0." in said


class TestResuming:
    @pytest.fixture
    def fits(self, monkeypatch):
        """Counts fits, and presses Ctrl-C in the one whose number is given."""
        state = {"fits": 0, "ctrl_c": None}

        def counted(*arguments):
            state["fits"] += 1
            if state["fits"] == state["ctrl_c"]:
                raise KeyboardInterrupt
            return fit_seen(*arguments)

        monkeypatch.setattr(few, "fit_seen", counted)
        return state

    OPTIONS = ("--sets", "plates", "--shots", "0,4", "--seeds", "2")

    def test_what_was_done_before_an_interruption_is_not_done_again(self, folder, tmp_path, fits, whole):
        out = tmp_path / "few.json"
        fits["ctrl_c"] = 4

        assert run(folder, out, *self.OPTIONS) == 1
        assert not out.exists()
        lines = (tmp_path / "few.plates.jsonl").read_text().splitlines()
        assert len(lines) == 1 + 3  # a header; without shots, general, the first hard type

        fits |= {"fits": 0, "ctrl_c": None}
        assert run(folder, out, *self.OPTIONS) == 0

        # The normals again, which every seed needs, and what is left: one of the first seed, three of the second.
        assert fits["fits"] == (1 + 1) + (1 + 3)
        assert (tmp_path / "few.plates.jsonl").read_text().splitlines()[:4] == lines
        expected = {tags(row): figures(row) for row in whole[0] if row["set"] == "plates"}
        for row in rows(out):
            assert figures(row) == expected[tags(row)]

    def test_a_finished_run_fits_nothing_again(self, folder, tmp_path, fits):
        out = tmp_path / "few.json"
        options = ("--sets", "rods", "--shots", "0,4", "--seeds", "1")
        run(folder, out, *options)
        first, before = fits["fits"], rows(out)

        assert run(folder, out, *options) == 0

        assert (fits["fits"], rows(out)) == (first, before)

    def test_another_configuration_begins_anew(self, folder, tmp_path, fits, monkeypatch):
        options = ("--sets", "rods", "--shots", "0", "--seeds", "1")
        run(folder, tmp_path / "few.json", *options)
        monkeypatch.setattr(few, "CONFIG", CONFIG.model_copy(update={"seed": 7}))

        run(folder, tmp_path / "few.json", *options)

        assert fits["fits"] == 2


@pytest.fixture(scope="module")
def pictures(folder):
    return find_sets(folder, ["plates"])[0]


@pytest.fixture(scope="module")
def seen(pictures):
    torch.manual_seed(0)
    return SetSeen.of(CONFIG, pictures, lambda _: None)


def planned(**changes):
    options = {"seed": 0, "shots": (0, 4), "settings": ("general", "hard"), "hard": ["scratch", "spot"]}
    return list(splits(NORMALS, {"scratch": SCRATCHES, "spot": SPOTS}, **{**options, **changes}))


@pytest.mark.parametrize("split", planned(), ids=lambda split: f"{split.setting}-{split.type}")
def test_the_figures_are_those_of_a_model_fitted_for_this_split_alone(pictures, seen, split):
    """The slow way: nothing shared with other splits, every picture scored by the whole model."""
    of_seed = OfSeed(CONFIG, seen, split)
    only, shipped = (
        fit_seen(of_seed.config, seen.network, of_seed.training(known), Distances()) for known in ({}, split.known)
    )

    bench = few._SeedBench(pictures, seen, planned()[0])
    for other in planned():
        bench.row(other)
    row = bench.row(split)

    tested = [of_seed.tested, *(of_seed.of_type(name, own) for name, own in split.unseen.items())]
    truth = np.repeat([0, *[1] * len(split.unseen)], [len(own) for own in tested])
    for name, model in (("normals_only", only), ("shipped", shipped)):
        scores = np.concatenate([model.scorer.score(own.through(model.network.head)) for own in tested])
        assert row[name]["auroc"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-6)
    assert row["gate"] == (shipped.gate and shipped.gate.model_dump(mode="json"))


class TestOfSeed:
    @pytest.mark.parametrize("split", planned(), ids=lambda split: f"{split.setting}-{split.type}")
    def test_nothing_that_is_tested_is_in_the_training_set(self, seen, split):
        of_seed = OfSeed(CONFIG, seen, split)
        training = of_seed.training(split.known)

        def keys(pooled):
            return {bytes(np.asarray(row).tobytes()) for row in pooled}

        tested = keys(of_seed.tested.pooled).union(
            *(keys(of_seed.of_type(name, own).pooled) for name, own in split.unseen.items())
        )
        trains = keys(training.normal.pooled) | keys(training.held_out.pooled)
        assert trains == keys(seen.normal.seen.pooled[split.train])
        assert not keys(training.normal.pooled) & keys(training.held_out.pooled)
        known = {name: keys(own.pooled) for name, own in training.anomalies.items()}
        assert known == {name: keys(seen.anomalies[name].seen.pooled[own]) for name, own in split.known.items()}
        assert not tested & trains.union(*known.values())

    @pytest.mark.parametrize("split", planned(shots=(4,)), ids=lambda split: f"{split.setting}-{split.type}")
    def test_draws_are_versions_of_the_pictures_that_train(self, seen, split):
        training = OfSeed(CONFIG, seen, split).training(split.known)

        versions = np.concatenate(
            [
                seen.normal.views[np.isin(seen.normal.seen.pooled, training.normal.pooled).all(axis=1)],
                *(seen.anomalies[name].views[own] for name, own in split.known.items()),
            ]
        )
        labels = np.repeat(range(1 + len(split.known)), [len(training.normal), *map(len, split.known.values())])
        draws = training.draws
        assert isinstance(draws, Draws)
        assert len(draws.labels) == 2 * CONFIG.views * len(training.normal)
        for pooled, label, picture in zip(draws.pooled.numpy(), draws.labels, draws.pictures, strict=True):
            assert label == labels[picture]
            assert (versions[picture] == pooled).all(axis=1).any()

    def test_the_tested_normals_could_be_anything(self, seen):
        """No part of a model changes with them."""
        split = planned()[1]
        spoiled = seen.normal.seen.take(np.arange(NORMALS))
        spoiled.pooled[split.test], spoiled.patches[split.test] = 1e3, -1e3
        other = replace(seen, normal=replace(seen.normal, seen=spoiled))

        one, two = (
            fit_seen(own.config, seen.network, own.training(split.known), Distances())
            for own in (OfSeed(CONFIG, whole, split) for whole in (seen, other))
        )

        assert one.calibration == two.calibration
        assert one.gate == two.gate
        for name, array in one.scorer.arrays().items():
            np.testing.assert_array_equal(array, two.scorer.arrays()[name])

    def test_defects_are_made_up_where_there_is_one_type(self, seen):
        general, hard = (split for split in planned(shots=(4,)) if split.type != "spot")

        trained = [OfSeed(CONFIG, seen, split).training(split.known) for split in (general, hard)]

        assert len(general.known) == 2
        assert [len(training.made_up) for training in trained] == [0, 22]
        assert sorted(trained[1].made_on) == list(range(22))

    def test_each_picture_is_seen_once_as_it_is_and_in_several_versions(self, seen):
        assert seen.normal.pixels.shape == (NORMALS, SIZE, SIZE, 3)
        assert seen.anomalies["spot"].views.shape == (SPOTS, VIEWS, seen.network.trunk.width)
        first = seen.normal.views[0]
        assert len(np.unique(first, axis=0)) == VIEWS


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (("--sets", "plates,rod"), "no set 'rod' in "),
            (("--hard-type", "dent"), "--hard-type dent: no set has this type; there are: scratch, spot"),
        ],
    )
    def test_each_is_one_message(self, folder, tmp_path, capsys, options, says):
        assert run(folder, tmp_path / "few.json", *options) == 78

        said = capsys.readouterr().err
        assert says in said
        assert "Traceback" not in said

    def test_a_folder_that_is_not_there_is_said(self, tmp_path, capsys):
        assert run(tmp_path / "nowhere", tmp_path / "few.json") == 78
        assert "correct --data" in capsys.readouterr().err

    @pytest.mark.parametrize("option", ["--shots=a", "--shots=", "--shots=1,-2", "--seeds=0", "--setting=easy"])
    def test_wrong_options_are_refused(self, folder, tmp_path, capsys, option):
        with pytest.raises(SystemExit, match="2"):
            run(folder, tmp_path / "few.json", option)

    def test_a_mask_of_another_size_is_said(self, folder, tmp_path, capsys):
        for name in ("normal", "scratch"):
            write_parts(tmp_path / "set" / name, good_parts(30, seed=len(name)))
        write_parts(tmp_path / "set" / "_masks" / "scratch", [cv2.resize(good_parts(1)[0], (9, 9))] * 30)

        assert run(tmp_path, tmp_path / "few.json", "--shots", "0", "--seeds", "1") == 78
        assert "this mask has 9 x 9 pixels" in capsys.readouterr().err

    def test_a_hard_type_that_only_one_set_has_is_known_there(self, folder, tmp_path):
        options = ("--hard-type", "spot", "--setting", "hard", "--shots", "1", "--seeds", "1")
        assert run(folder, tmp_path / "few.json", *options) == 0

        assert [tags(row) for row in rows(tmp_path / "few.json")] == [("plates", "hard", "spot", 1, 0)]


def test_the_peer_scores_the_same_pictures(folder, tmp_path, monkeypatch, capsys):
    asked = []

    def scores(python, job):
        asked.append(job)
        return list(range(len(job.test)))

    monkeypatch.setattr(few, "patchcore_scores", scores)
    monkeypatch.setattr(few, "peer_versions", lambda python: {"anomalib": str(python)})

    options = ("--sets", "plates", "--shots", "0,1", "--seeds", "1", "--setting", "general")
    assert run(folder, tmp_path / "few.json", "--peer", "anomalib", "--peer-python", "there", *options) == 0

    without, known = rows(tmp_path / "few.json")
    assert "peer" not in known
    assert without["peer"]["auroc"] == 1.0
    assert without["peer"]["types"].keys() == {"scratch", "spot"}
    assert json.loads((tmp_path / "few.json").read_text())["peer"] == {"anomalib": "there"}
    (job,) = asked
    split = planned()[0]
    assert [path.name for path in job.train] == [f"part-{row:03}.png" for row in split.train]
    assert [path.parent.name for path in job.test] == ["normal"] * 20 + ["scratch"] * 8 + ["spot"] * 5
    assert "anomalib's PatchCore 1.000" in capsys.readouterr().out
