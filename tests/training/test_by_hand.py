"""A threshold by hand is promised what training would promise, by training's own arithmetic."""

import numpy as np
import pytest

from inspector.bundle import CONFIDENCE, prospects, read_bundle
from training.promise import Terms, at_most


@pytest.fixture(scope="module")
def bundle(small_bundle):
    return read_bundle(small_bundle)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.49])
def test_what_training_promises_at_a_threshold_is_what_is_proved_there(bundle, share):
    scores = np.sort(bundle.normals.score)
    terms = Terms(share, CONFIDENCE)
    threshold = float(scores[-terms.rank(len(scores))])

    prospect = prospects(bundle)(threshold * 1.01 + 0.01)

    assert prospect.proved == pytest.approx(at_most(prospect.rejected, len(scores), CONFIDENCE), rel=1e-9)
    assert prospect.proved <= share
