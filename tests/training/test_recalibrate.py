import json
import re
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from inspector.bundle import Calibration, change_manifest, critical_limit, read_bundle
from inspector.engines import Engine
from inspector.errors import BundleError, DataError
from inspector.inspection import Outcome
from tests.inspector.bundle.changes import add_int8, another_graph, read_manifest
from tests.inspector.bundle.changes import change_manifest as tamper
from tests.parts import good_parts, write_parts
from training.cli import main
from training.evaluate import score_files
from training.history import whoever
from training.prepare import digest_of_files
from training.promise import Promised, Terms
from training.recalibrate import Normals, recalibrate, score_normals

NORMALS = 70


@pytest.fixture(scope="module")
def normals(tmp_path_factory):
    """Pictures of five lots, in two folders, that no training has seen."""
    folder, parts = tmp_path_factory.mktemp("normals"), good_parts(NORMALS, seed=11)
    for lot in range(5):
        write_parts(folder / ("early" if lot < 2 else "late"), parts[lot::5], f"lot{lot}")
    return folder


@pytest.fixture
def bundle(small_bundle, tmp_path):
    """A copy whose critical types leave room for another threshold."""
    path = shutil.copytree(small_bundle, tmp_path / "bundle")
    calibration = read_manifest(path)["calibration"]
    tamper(path, calibration=calibration | {"critical_scores": {"scratch": [1e6] * 5}})
    return path


def asked(bundle, normals, *more, share="5%"):
    return ["calibrate", str(bundle), "--normals", str(normals), f"--max-false-reject={share}", *map(str, more)]


def files_of(folder):
    return sorted(folder.rglob("*.png"))


class TestCommand:
    def test_writes_the_promise_and_its_evidence(self, bundle, normals, capsys):
        before = read_bundle(bundle)

        assert main(asked(bundle, normals, "--json")) == 0

        said, after = json.loads(capsys.readouterr().out), read_bundle(bundle)
        scores = np.sort([each.score for each in score_files(before, {"normal": files_of(normals)})])
        promise = after.manifest.calibration.promise
        assert Terms(0.05).rank(NORMALS) == promise.rank == 1
        assert 0 < after.threshold - scores[-1] < 2e-3 * max(scores[-1], 1)
        assert (promise.max_false_reject, promise.confidence, promise.scores, promise.rejected) == (0.05, 0.95, 70, 0)
        assert promise.pictures_sha256 == digest_of_files(files_of(normals))
        assert promise.previous_threshold == before.threshold
        assert promise.at > before.manifest.created
        assert said["digest"] == after.digest != before.digest
        assert Calibration.model_validate(said["calibration"]) == after.manifest.calibration
        assert after.manifest.files == before.manifest.files
        assert [each.name for each in bundle.parent.iterdir()] == ["bundle"]
        after.check_golden()

    def test_the_bundle_remembers_every_calibration(self, bundle, normals):
        first = read_bundle(bundle)

        assert main(asked(bundle, normals, "--by", "anna")) == 0
        assert main(asked(bundle, normals, share="20%")) == 0

        after = read_bundle(bundle)
        made, second, third = after.manifest.calibrations
        assert (made,) == first.manifest.calibrations
        assert (second.by, second.method, second.max_false_reject) == ("anna", "exact binomial", 0.05)
        assert second.pictures_sha256 == digest_of_files(files_of(normals))
        assert (second.normals, second.normals_from) == (70, str(normals))
        assert second.previous_threshold == made.threshold == first.threshold
        assert third.previous_threshold == second.threshold
        assert third.threshold == after.threshold
        assert third.by == whoever()
        assert made.at < second.at < third.at

    def test_a_model_of_the_tail_goes_beyond_the_promise(self, bundle, normals, capsys):
        assert main(asked(bundle, normals, "--model", "tail", share="0.5%")) == 0

        calibration = read_bundle(bundle).manifest.calibration
        assert calibration.tail.max_false_reject == 0.005
        assert calibration.promise.max_false_reject == pytest.approx(1 - 0.05 ** (1 / 70))
        assert calibration.threshold == calibration.tail.threshold
        assert read_bundle(bundle).manifest.calibrations[-1].method == "tail model"
        said = capsys.readouterr().err
        assert "by a model, not by proof: at most 0.5 %" in said
        assert "at most 4.19 % of good parts rejected, at 95 % confidence" in said

    def test_two_thresholds(self, bundle, normals, capsys):
        assert main(asked(bundle, normals, "--review", "20%")) == 0

        after = read_bundle(bundle)
        calibration = after.manifest.calibration
        assert (calibration.promise.max_false_reject, calibration.review.max_false_reject) == (0.2, 0.05)
        assert calibration.threshold < calibration.review.below
        said = [each for each in score_files(after, {"normal": files_of(normals)}) if each.outcome is Outcome.FAIL]
        assert said
        assert all(each.score <= calibration.review.below for each in said)
        assert "says 'review: true'; beyond it at most 5 % of good parts" in capsys.readouterr().err

    def test_costs_choose_and_stay_with_the_bundle(self, bundle, normals, capsys):
        priced = ("--false-reject-cost", "1", "--escape-cost", "scratch=50/2000")

        assert main(asked(bundle, normals, *priced, share="20%")) == 0
        cost = read_bundle(bundle).manifest.calibration.cost
        assert (cost.false_reject, cost.escape["scratch"].cost, cost.escape["scratch"].per_million) == (1, 50, 2000)
        assert "the least expected cost" in capsys.readouterr().err

        assert main(asked(bundle, normals, share="20%")) == 0
        assert read_bundle(bundle).manifest.calibration.cost == cost

    def test_tells_people(self, bundle, normals, capsys):
        before = read_bundle(bundle).threshold

        assert main(asked(bundle, normals)) == 0

        said = capsys.readouterr().err
        assert f"(was {before:.4g})" in said
        assert "at most 5 % of good parts rejected, at 95 % confidence" in said
        assert "0 of 70 normals lie above" in said
        assert "gave way" not in said

    def test_too_few_are_refused_with_the_numbers_and_nothing_changes(self, bundle, normals, capsys):
        before = read_bundle(bundle).digest

        assert main(asked(bundle, normals, "--json", share="0.5%")) == 1

        said = capsys.readouterr()
        sentence = "598 held-out normals are needed for 0.5 % at 95 %; there are 70; with 70 the best promise is 4.19 %"
        assert f"{sentence}\n" in said.err
        assert "--best" in said.err
        assert json.loads(said.out) == {
            "refused": sentence,
            "needed": 598,
            "there": 70,
            "best": pytest.approx(1 - 0.05 ** (1 / 70)),
        }
        assert read_bundle(bundle).digest == before

    def test_the_best_promise_can_be_taken_instead(self, bundle, normals, capsys):
        assert main(asked(bundle, normals, "--best", share="0.5%")) == 0

        promise = read_bundle(bundle).manifest.calibration.promise
        assert promise.max_false_reject == pytest.approx(1 - 0.05 ** (1 / 70))
        assert re.search(r"598 held-out normals are needed.*\n(.*\n)*at most 4\.19 % of good", capsys.readouterr().err)

    def test_best_takes_no_worse_promise_than_was_asked_for(self, bundle, normals):
        assert main(asked(bundle, normals, "--best", share="20%")) == 0

        assert read_bundle(bundle).manifest.calibration.promise.max_false_reject == 0.2

    def test_the_confidence_is_asked_for_too(self, bundle, normals):
        assert main(asked(bundle, normals, "--confidence", "80%", share="0.05")) == 0

        promise = read_bundle(bundle).manifest.calibration.promise
        assert (promise.confidence, promise.rank) == (0.8, Terms(0.05, 0.8).rank(NORMALS))

    def test_a_new_bundle_leaves_the_old_one_alone(self, bundle, normals, tmp_path):
        before = read_bundle(bundle).digest

        assert main(asked(bundle, normals, "--output", tmp_path / "new" / "bundle")) == 0

        assert read_bundle(bundle).digest == before
        assert read_bundle(tmp_path / "new" / "bundle").manifest.calibration.promise

    def test_lots_count_once_each(self, bundle, normals, capsys):
        assert main(asked(bundle, normals, "--group-pattern", r"(lot\d)")) == 1
        assert "59 held-out groups of normals are needed for 5 % at 95 %; there are 5 (of 70 pictures)" in (
            capsys.readouterr().err
        )

        assert main(asked(bundle, normals, "--group-pattern", r"(lot\d)", "--best")) == 0
        promise = read_bundle(bundle).manifest.calibration.promise
        assert (promise.scores, promise.group_pattern) == (5, r"(lot\d)")
        assert promise.max_false_reject == pytest.approx(1 - 0.05 ** (1 / 5))

    def test_the_groups_of_the_training_are_those_of_the_promise(self, bundle, normals, capsys):
        tamper(bundle, training={"config": {"data": {"group_pattern": r"(lot\d)"}}})

        assert main(asked(bundle, normals)) == 1
        assert "there are 5 (of 70 pictures)" in capsys.readouterr().err

        assert main(asked(bundle, normals, "--group-pattern", "(.*)")) == 0


class TestMistakes:
    @pytest.mark.parametrize(
        ("more", "why"),
        [
            (("--review", "2%"), "make --review the larger share"),
            (("--false-reject-cost", "2"), "--false-reject-cost and --escape-cost go together"),
            (("--escape-cost", "scratch=3"), "--false-reject-cost and --escape-cost go together"),
            (
                ("--false-reject-cost", "2", "--escape-cost", "scrach=3"),
                "--escape-cost scrach: the bundle left out no pictures of this type; of: scratch",
            ),
        ],
    )
    def test_shares_and_costs_that_do_not_go_together(self, bundle, normals, capsys, more, why):
        assert why in self.refusal(capsys, *asked(bundle, normals, *more))

    @pytest.mark.parametrize("text", ["scratch", "=3", "scratch=", "scratch=0", "scratch=3/0", "scratch=3/x"])
    def test_a_cost_that_is_none(self, bundle, normals, text):
        with pytest.raises(SystemExit):
            main(asked(bundle, normals, "--false-reject-cost", "1", "--escape-cost", text))

    def refusal(self, capsys, *arguments):
        assert main([*map(str, arguments)]) == 78
        said = capsys.readouterr()
        assert (said.out, "Traceback" in said.err) == ("", False)
        return said.err

    @pytest.mark.parametrize("change", [lambda p: p, np.rot90, np.fliplr, lambda p: np.flipud(np.rot90(p))])
    def test_copies_are_no_pictures_of_their_own(self, bundle, tmp_path, capsys, change):
        parts = list(good_parts(60, seed=12))
        write_parts(tmp_path / "set", [*parts, np.ascontiguousarray(change(parts[3]))])

        said = self.refusal(capsys, *asked(bundle, tmp_path / "set"))

        assert "the same picture again, as it is, turned or mirrored" in said
        assert f"{tmp_path}/set/part-060.png = {tmp_path}/set/part-003.png" in said

    def test_pictures_that_trained_the_bundle_prove_nothing(self, bundle, normals, capsys):
        tamper(bundle, training={"normal_sha256": digest_of_files(files_of(normals))})

        assert "are those that trained" in self.refusal(capsys, *asked(bundle, normals))

    def test_bad_files_are_listed_all_at_once(self, bundle, tmp_path, capsys):
        first, *_ = write_parts(tmp_path / "set", good_parts(60, seed=12))
        (tmp_path / "set" / "torn.png").write_bytes(first.read_bytes()[:-30])
        (tmp_path / "set" / "notes.txt").touch()

        said = self.refusal(capsys, *asked(bundle, tmp_path / "set"))

        assert "2 file(s) cannot be used to calibrate" in said
        assert "torn.png" in said
        assert "notes.txt" in said

    def test_an_empty_and_a_missing_folder_are_named(self, bundle, tmp_path, capsys):
        (tmp_path / "empty").mkdir()

        assert f"{tmp_path}/empty: no pictures" in self.refusal(capsys, *asked(bundle, tmp_path / "empty"))
        assert "nowhere: cannot list this folder" in self.refusal(capsys, *asked(bundle, tmp_path / "nowhere"))

    @pytest.mark.parametrize(
        ("pattern", "says"),
        [("(", "is no regular expression"), ("lot", "needs a group"), ("(shift)", "finds no part in these file names")],
    )
    def test_a_wrong_group_pattern_is_named_by_its_option(self, bundle, normals, capsys, pattern, says):
        said = self.refusal(capsys, *asked(bundle, normals, "--group-pattern", pattern))

        assert f"--group-pattern '{pattern}' {says}" in said

    def test_a_bundle_with_a_changed_byte_is_refused(self, bundle, normals, capsys):
        (bundle / "scorer.npz").write_bytes(b"\0")

        assert "checksum does not match" in self.refusal(capsys, *asked(bundle, normals))

    def test_an_output_that_is_there_is_not_overwritten(self, bundle, normals, capsys):
        assert "is there already" in self.refusal(capsys, *asked(bundle, normals, "--output", normals))

    @pytest.mark.parametrize("share", ["0", "50%", "0.5", "5", "-1%", "five", "%", "nan"])
    def test_a_share_that_is_none_is_a_wrong_command_line(self, bundle, normals, capsys, share):
        with pytest.raises(SystemExit) as ended:
            main(asked(bundle, normals, share=share))

        assert ended.value.code == 2
        assert "write 0.5% or 0.005" in capsys.readouterr().err


class TestCritical:
    SCORES = np.arange(100, dtype=np.float32)
    PROMISED = Promised(Terms(0.05))  # by the second highest of 100, 98

    def manifest(self, small_bundle, **changes):
        manifest = read_bundle(small_bundle).manifest
        calibration = manifest.calibration.model_copy(
            update={"threshold": 50.0, "critical": {"metal": 3}, "critical_missed": 1} | changes
        )
        return manifest.model_copy(update={"calibration": calibration})

    def recalibrated(self, *arguments, **options):
        return recalibrate(*arguments, Normals("digest", self.SCORES), self.PROMISED, **options)

    def test_where_both_hold_neither_gives_way(self, small_bundle):
        manifest = self.manifest(small_bundle, critical_scores={"metal": (40.0, 200.0, 300.0)})

        calibration = self.recalibrated(manifest)

        assert 98 < calibration.threshold < 98.2
        assert (calibration.critical_missed, calibration.promise.gave_way) == (1, None)

    def test_the_promise_gives_way_to_the_critical_pictures_that_were_caught(self, small_bundle):
        manifest = self.manifest(small_bundle, critical_scores={"metal": (40.0, 90.0), "glass": (300.0,)})

        calibration = self.recalibrated(manifest)

        assert calibration.threshold == pytest.approx(89.91)
        assert (calibration.critical_missed, calibration.observed_false_rejects) == (1, 10)
        promise = calibration.promise
        assert (promise.gave_way, promise.asked) == ("promise", 0.05)
        assert calibration.false_reject_rate == 0.05
        assert promise.max_false_reject == pytest.approx(0.164, abs=0.01)
        assert "the critical types bring it down to 89.91, so that up to 1" in promise.why

    def test_or_they_give_way_where_that_is_asked_for_and_it_is_recorded(self, small_bundle):
        manifest = self.manifest(small_bundle, critical_scores={"metal": (40.0, 90.0), "glass": (300.0,)})

        calibration = self.recalibrated(manifest, critical_first=False)

        assert 98 < calibration.threshold < 98.2
        assert calibration.critical_missed == 2
        assert calibration.promise.gave_way == "critical"
        assert calibration.promise.max_false_reject == 0.05
        assert "2 of 3 left-out pictures of critical types pass, 1 did before" in calibration.promise.why

    def test_a_bundle_without_their_scores_keeps_its_threshold_at_most(self, small_bundle):
        manifest = self.manifest(small_bundle, critical_scores={})

        calibration = self.recalibrated(manifest)

        assert (calibration.threshold, calibration.critical_missed) == (50.0, 1)
        assert calibration.promise.gave_way == "promise"
        with pytest.raises(DataError, match="does not record the scores of its critical pictures"):
            self.recalibrated(manifest, critical_first=False)

    @pytest.mark.parametrize("changes", [{"critical": {}, "critical_missed": 0}, {"critical_missed": 3}])
    def test_nothing_holds_it_where_no_critical_picture_was_caught(self, small_bundle, changes):
        assert critical_limit(self.manifest(small_bundle, **changes).calibration) == np.inf

    def test_the_command_says_what_gave_way(self, small_bundle, normals, tmp_path, capsys):
        path = shutil.copytree(small_bundle, tmp_path / "bundle")
        old = read_manifest(path)["calibration"]
        judged = score_files(read_bundle(path), {"normal": files_of(normals)})
        low = float(np.quantile([each.score for each in judged], 0.8))
        assert low > 0
        tamper(path, calibration=old | {"threshold": low, "critical_scores": {"scratch": [low * 1.02]}})
        tamper(path, golden=[each for each in read_manifest(path)["golden"] if each["label"] == "scratch"])

        assert main(asked(path, normals)) == 0

        assert "the promise gave way: 5 % at 95 % would take a threshold of" in capsys.readouterr().err
        assert low < read_bundle(path).threshold < low * 1.02

    def test_they_are_recorded_by_a_fit(self, small_bundle):
        calibration = read_bundle(small_bundle).manifest.calibration

        assert {name: len(own) for name, own in calibration.critical_scores.items()} == calibration.critical


class Turned:
    """Another network: it sees every picture upside down."""

    def __init__(self, embedder):
        self.input_size, self._embedder = embedder.input_size, embedder

    def embed(self, pictures):
        return self._embedder.embed(np.ascontiguousarray(pictures[:, ::-1]))


class TestEightBits:
    def test_each_normal_counts_with_the_higher_of_its_two_scores(self, bundle, normals):
        one = read_bundle(bundle)
        both, files = [one, replace(one, embedder=Turned(one.embedder))], files_of(normals)[:4]

        scores = score_normals(both, files).scores

        apart = [[each.score for each in score_files(each_one, {"normal": files})] for each_one in both]
        assert {a > b for a, b in zip(*apart, strict=True)} == {True, False}
        np.testing.assert_allclose(scores, np.max(apart, axis=0), rtol=1e-6)

    def test_the_command_asks_both(self, bundle, normals):
        add_int8(bundle)

        assert main(asked(bundle, normals)) == 0

        read_bundle(bundle, Engine(precision="int8")).check_golden()

    def test_a_network_that_gives_no_score_is_refused(self, bundle, normals):
        add_int8(bundle, another_graph(bundle))

        with pytest.raises(BundleError, match=r"gives .*png no score; export the bundle again"):
            score_normals([read_bundle(bundle, Engine(precision="int8"))], files_of(normals)[:2])


class TestChangeManifest:
    def test_a_verdict_that_does_not_hold_changes_nothing(self, bundle):
        before = read_bundle(bundle)
        wrong = before.manifest.calibration.model_copy(update={"threshold": 1e9})

        with pytest.raises(BundleError, match="golden picture"):
            change_manifest(before, bundle, calibration=wrong)

        assert read_bundle(bundle).digest == before.digest
        assert [each.name for each in bundle.parent.iterdir()] == ["bundle"]

    def test_a_bundle_of_before_is_read_as_it_is(self, bundle):
        calibration = read_manifest(bundle)["calibration"]
        tamper(
            bundle,
            calibration={name: calibration[name] for name in calibration if name not in {"promise", "critical_scores"}},
        )

        assert read_bundle(bundle).manifest.calibration.promise is None


def test_pictures_of_another_size_are_judged_as_the_daemon_does(bundle, tmp_path):
    files = write_parts(tmp_path / "large", [cv2.resize(part, None, fx=2, fy=2) for part in good_parts(3, seed=9)])

    scores = score_normals([read_bundle(bundle)], files).scores

    assert scores.tolist() == pytest.approx([each.score for each in score_files(read_bundle(bundle), {"n": files})])
