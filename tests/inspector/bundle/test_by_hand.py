import shutil

import numpy as np
import pytest

from inspector.bundle import prospects, read_bundle, set_by_hand
from inspector.errors import BundleError
from inspector.inspection import Outcome
from tests.inspector.bundle.changes import add_int8, change_manifest, read_manifest


@pytest.fixture
def bundle(small_bundle, tmp_path):
    return read_bundle(shutil.copytree(small_bundle, tmp_path / "bundle"))


def set_at(bundle, threshold, **options):
    path = bundle.path.parent / "new"
    set_by_hand(bundle, threshold, path, by="anna", reason="new lamp", **options)
    return read_bundle(path)


def between(scores, above):
    """A threshold in the widest gap that leaves about so many above."""
    highest = np.sort(scores)[::-1]
    gaps = highest[above - 1 : above + 4] - highest[above : above + 5]
    place = above + int(gaps.argmax())
    return place, float(highest[place - 1] + highest[place]) / 2


class TestProspect:
    def test_the_normals_above_it_bound_what_is_rejected(self, bundle):
        above, threshold = between(bundle.normals.score, 3)

        prospect = prospects(bundle)(threshold)

        assert (prospect.rejected, prospect.normals) == (above, len(bundle.normals.score))
        # Clopper and Pearson: so many or fewer are as probable as the doubt, at the bound.
        drawn = np.random.default_rng(0).binomial(prospect.normals, prospect.proved, 200_000)
        assert (drawn <= above).mean() == pytest.approx(0.05, abs=0.002)

    def test_what_another_machine_could_round_above_counts(self, bundle):
        highest = float(bundle.normals.score.max())

        assert prospects(bundle)(highest).rejected >= 1

    def test_what_either_network_could_reject_counts(self, bundle):
        add_int8(bundle.path, largest_difference=1e6)

        assert prospects(read_bundle(bundle.path))(bundle.threshold).rejected == len(bundle.normals.score)

    def test_nothing_is_proved_by_normals_that_hang_together(self, bundle):
        training = read_manifest(bundle.path)["training"]
        change_manifest(bundle.path, training=training | {"config": {"data": {"group_pattern": "^(lot[0-9]+)"}}})

        assert prospects(read_bundle(bundle.path))(bundle.threshold).proved is None

    def test_nothing_is_proved_by_a_bundle_without_their_scores(self, bundle):
        assert prospects(without_normals(bundle))(bundle.threshold).proved is None


def without_normals(bundle):
    change_manifest(bundle.path, normals=None)
    return read_bundle(bundle.path)


class TestSetting:
    def test_the_bundle_says_who_set_it_and_why_and_what_it_promises(self, bundle):
        above, threshold = between(bundle.normals.score, 2)

        new = set_at(bundle, threshold, let_critical_pass=True)

        calibration, event = new.manifest.calibration, new.manifest.calibrations[-1]
        assert new.threshold == threshold
        assert (event.by, event.reason, event.previous_threshold) == ("anna", "new lamp", bundle.threshold)
        assert new.manifest.calibrations[:-1] == bundle.manifest.calibrations
        assert calibration.promise.max_false_reject == event.max_false_reject == prospects(bundle)(threshold).proved
        assert (calibration.promise.rejected, calibration.observed_false_rejects) == (above, above)
        assert calibration.promise.previous_threshold == bundle.threshold

    def test_golden_verdicts_follow(self, bundle):
        lowest = min(each.score for each in bundle.manifest.golden)

        new = set_at(bundle, lowest - 1, let_critical_pass=True)

        assert {each.outcome for each in new.manifest.golden} == {Outcome.FAIL}
        new.check_golden()

    def test_where_nothing_is_proved_the_bundle_claims_none(self, bundle):
        new = set_at(without_normals(bundle), bundle.threshold * 0.9)

        assert new.manifest.calibration.promise is None
        assert new.manifest.calibrations[-1].method == "average"

    def test_what_chose_another_threshold_is_not_this_ones(self, bundle):
        calibration = read_manifest(bundle.path)["calibration"]
        band = {"below": bundle.threshold, "max_false_reject": 0.02, "confidence": 0.95}
        change_manifest(bundle.path, calibration=calibration | {"review": band})
        banded = read_bundle(bundle.path)

        lower = set_at(banded, bundle.threshold * 0.9).manifest.calibration
        shutil.rmtree(bundle.path.parent / "new")
        higher = set_at(banded, bundle.threshold * 1.1, let_critical_pass=True).manifest.calibration

        assert lower.review.below == bundle.threshold
        assert higher.review is None


class TestCritical:
    @pytest.fixture
    def critical(self, bundle):
        """Two left-out pictures of a critical type: one is caught, by little, and one is not."""
        calibration = read_manifest(bundle.path)["calibration"]
        scores = (bundle.threshold * 0.9, bundle.threshold * 1.1)
        change_manifest(
            bundle.path,
            calibration=calibration
            | {"critical": {"scratch": 2}, "critical_missed": 1, "critical_scores": {"scratch": scores}},
        )
        return read_bundle(bundle.path)

    def test_a_threshold_that_lets_more_pass_is_refused(self, critical):
        with pytest.raises(BundleError, match="2 of 2 left-out pictures of critical types pass, 1 do now"):
            set_at(critical, critical.threshold * 1.2)
        assert not (critical.path.parent / "new").exists()

    def test_unless_they_may_which_is_kept(self, critical):
        new = set_at(critical, critical.threshold * 1.2, let_critical_pass=True)

        assert new.manifest.calibration.critical_missed == 2
        assert new.manifest.calibration.promise.gave_way == "critical"
        assert "2 of 2 left-out pictures" in new.manifest.calibration.promise.why

    def test_a_lower_one_catches_more(self, critical):
        new = set_at(critical, critical.threshold * 0.8)

        assert new.manifest.calibration.critical_missed == 0
        assert new.manifest.calibration.promise.gave_way is None
