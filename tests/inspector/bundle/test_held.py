import pytest

from inspector.bundle import GoldenPicture, golden_at, read_bundle
from inspector.errors import BundleError
from inspector.inspection import Outcome


class TestGolden:
    def golden(self, score):
        return GoldenPicture(file="a.png", label="normal", score=score, outcome=Outcome.PASS)

    def test_verdicts_follow_the_threshold(self, small_bundle):
        manifest = read_bundle(small_bundle).manifest.model_copy(update={"golden": (self.golden(1), self.golden(3))})

        assert [each.outcome for each in golden_at(manifest, 2.0)] == [Outcome.PASS, Outcome.FAIL]
        assert [each.outcome for each in golden_at(manifest, 0.5)] == [Outcome.FAIL, Outcome.FAIL]

    def test_those_that_rounding_would_decide_are_left_out(self, small_bundle):
        manifest = read_bundle(small_bundle).manifest.model_copy(update={"golden": (self.golden(1), self.golden(3))})

        assert [each.score for each in golden_at(manifest, 3.002)] == [1]

    def test_none_left_is_refused(self, small_bundle):
        manifest = read_bundle(small_bundle).manifest.model_copy(update={"golden": (self.golden(1),)})

        with pytest.raises(BundleError, match=r"all 1 golden pictures .* stays as it is"):
            golden_at(manifest, 1.0)
