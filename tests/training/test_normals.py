import numpy as np
import pytest

from inspector.bundle import compared
from inspector.picture_quality import brightness, sharpness
from tests.parts import small_training_set
from training.camera_changes import KNOWN
from training.normals import CHANGED, LEAST_SPREAD, normals_of


@pytest.fixture(scope="module")
def normals(exported):
    model, _ = exported
    return normals_of(model, small_training_set())


def test_the_numbers_are_those_of_the_held_out_pictures_as_the_daemon_sees_them(exported, normals):
    _, bundle = exported
    held_out = small_training_set().held_out

    scores = [bundle.judge(bundle.embedder.embed(picture[None]))[0].score for picture in held_out[:20]]

    assert normals.score[:20] == pytest.approx(scores, abs=1e-2)
    assert normals.brightness[3] == pytest.approx(brightness(held_out[3]))
    assert normals.sharpness[3] == pytest.approx(sharpness(held_out[3]))
    assert normals.mean == pytest.approx(compared(bundle.embedder.embed(held_out)).mean(axis=0), abs=1e-3)


def test_no_dimension_has_less_than_its_least_spread(exported, normals):
    deviation = compared(exported[0].held_out).std(axis=0, ddof=1)
    least = LEAST_SPREAD * np.sqrt((deviation.astype(float) ** 2).mean())

    assert normals.spread == pytest.approx(np.maximum(deviation, least), rel=1e-3)


def test_the_shares_are_those_of_the_principal_directions(exported, normals):
    vectors = (compared(exported[0].held_out) - normals.mean) / normals.spread
    eigenvalues = np.linalg.eigvalsh(np.cov(vectors.T.astype(float)))
    shares = eigenvalues / eigenvalues.sum()

    assert normals.shares == pytest.approx(((shares**2).sum(), (shares**3).sum()), rel=1e-4)


def test_where_the_camera_takes_the_features_is_measured_in_spreads(exported, normals):
    model, pictures = exported[0], small_training_set().held_out[:CHANGED]
    features = [compared(model.features(np.stack([change(each) for each in pictures]))) for change in KNOWN]
    before = compared(model.features(pictures))

    slow = [(each - before).mean(axis=0) / normals.spread for each in features]

    assert normals.camera == pytest.approx(np.array(slow), abs=1e-2)
