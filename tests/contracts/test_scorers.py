"""What every distance promises, whatever it measures. A new kind needs one example here."""

import warnings

import numpy as np
import pytest
from pydantic import TypeAdapter

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers import EVIDENCE, SCORERS, ScorerSettings
from inspector.scorers.cosine import CosineSettings
from inspector.scorers.discriminant import DiscriminantSettings
from inspector.scorers.euclidean import EuclideanSettings
from inspector.scorers.knn import KnnSettings
from inspector.scorers.known import KnownSettings
from inspector.scorers.known_patches import KnownPatchesSettings
from inspector.scorers.lof import LofSettings
from inspector.scorers.mahalanobis import MahalanobisSettings
from inspector.scorers.patches import PatchesSettings

EXAMPLES = {
    "euclidean": EuclideanSettings(),
    "mahalanobis": MahalanobisSettings(),
    "knn": KnnSettings(k=3),
    "lof": LofSettings(k=10),
    "cosine": CosineSettings(),
    "patches": PatchesSettings(bank_size=100),
    "discriminant": DiscriminantSettings(),
    "known": KnownSettings(),
    "known_patches": KnownPatchesSettings(),
}
DIMENSIONS = 32


def features(points):
    """Pictures that look alike everywhere: each of a picture's 2 x 3 patches is its embedding."""
    embedding = points.astype(np.float32)
    return Features(embedding, patches=np.tile(embedding[:, None, None], (1, 2, 3, 1)))


def pictures(n, *, angle=0.0, seed=0):
    """L2-normalised, as the network gives them: close to the direction that lies ``angle`` radians from normal."""
    rng = np.random.default_rng(seed)
    direction = np.zeros(DIMENSIONS)
    direction[:2] = np.cos(angle), np.sin(angle)
    points = direction + rng.normal(scale=0.01, size=(n, DIMENSIONS))
    return features(points / np.linalg.norm(points, axis=1, keepdims=True))


def fit(kind, normals):
    if kind in EVIDENCE:
        return EXAMPLES[kind].fit(normals, [pictures(10, angle=np.pi / 2, seed=8)], [1.0])
    return EXAMPLES[kind].fit(normals)


@pytest.fixture(params=SCORERS)
def kind(request):
    return request.param


@pytest.fixture
def scorer(kind):
    return fit(kind, pictures(40))


def test_the_kind_is_in_every_list(kind):
    settings = TypeAdapter(ScorerSettings).validate_python({"kind": kind})

    assert type(settings) is type(EXAMPLES[kind])
    assert EXAMPLES[kind].kind == kind


def test_no_kind_is_missing_in_the_list_of_classes():
    schema = TypeAdapter(ScorerSettings).json_schema()

    assert schema["discriminator"]["mapping"].keys() == SCORERS.keys() == EXAMPLES.keys()


def test_a_fit_makes_the_class_that_reads_it_back(kind, scorer):
    assert type(scorer) is SCORERS[kind]


@pytest.mark.parametrize("kind", sorted(EVIDENCE))
def test_evidence_needs_an_anomaly(kind):
    with pytest.raises(DataError, match="at least one anomaly type"):
        EXAMPLES[kind].fit(pictures(40), [], [])


@pytest.mark.parametrize("kind", sorted(EVIDENCE))
def test_evidence_takes_any_number_of_types_and_pictures(kind):
    types = [pictures(n, angle=angle, seed=8) for n, angle in ((1, 1.0), (5, -1.0), (2, 0.5))]

    scorer = EXAMPLES[kind].fit(pictures(40), types, [1.0, 3.0, 0.5])

    assert np.isfinite(scorer.score(pictures(20, seed=1))).all()


@pytest.mark.parametrize("n", [0, 1, 2, 100])
def test_one_float32_a_picture(scorer, n):
    scores = scorer.score(pictures(n, seed=1))

    assert scores.shape == (n,)
    assert scores.dtype == np.float32


def test_a_far_picture_scores_higher_than_every_normal_one(scorer):
    assert scorer.score(pictures(50, angle=0.5, seed=1)).min() > scorer.score(pictures(50, seed=2)).max()


def test_the_further_the_more_abnormal(scorer):
    angles = np.linspace(0.1, np.pi / 2, 20)
    queries = np.zeros((len(angles), DIMENSIONS))
    queries[:, 0], queries[:, 1] = np.cos(angles), np.sin(angles)

    assert (np.diff(scorer.score(features(queries))) > 0).all()


def test_a_batch_scores_as_its_pictures_do_one_by_one(scorer):
    batch = pictures(150, angle=0.05, seed=1).embedding

    one_by_one = np.concatenate([scorer.score(features(picture[None])) for picture in batch])

    np.testing.assert_allclose(scorer.score(features(batch)), one_by_one, rtol=1e-6)


def test_scores_survive_a_file_without_pickle(kind, scorer, tmp_path):
    queries = pictures(20, angle=0.1, seed=1)

    np.savez(tmp_path / "scorer.npz", **scorer.arrays())
    with np.load(tmp_path / "scorer.npz", allow_pickle=False) as arrays:
        again = SCORERS[kind].from_arrays(dict(arrays))

    np.testing.assert_array_equal(again.score(queries), scorer.score(queries))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_cannot_be_judged_gets_no_finite_score(scorer, value):
    """So that the station can tell, and answer ERROR."""
    points = pictures(3, seed=1).embedding
    points[1, 5] = value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        finite = np.isfinite(scorer.score(features(points)))

    np.testing.assert_array_equal(finite, [True, False, True])


def test_scoring_changes_neither_the_pictures_nor_the_scorer(scorer):
    queries = pictures(5, seed=1)
    before = queries.embedding.copy()

    first = scorer.score(queries)

    np.testing.assert_array_equal(queries.embedding, before)
    np.testing.assert_array_equal(scorer.score(queries), first)


def test_a_fit_without_normals_is_refused(kind):
    with pytest.raises(DataError, match=r"got (0|none): add normal pictures"):
        fit(kind, pictures(0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_spoilt_normals_are_refused(kind, value):
    points = pictures(40).embedding
    points[7, 3] = value

    with pytest.raises(DataError, match="hold NaN or infinity"):
        fit(kind, features(points))
