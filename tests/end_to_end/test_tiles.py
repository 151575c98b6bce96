"""Large pictures with defects of a few pixels: from training on tiles to the daemon's verdict."""

import cv2
import numpy as np
import pytest

from inspector.bundle import read_bundle
from inspector.fusion import PartSettings
from inspector.inspection import Outcome
from inspector.pictures import resize
from inspector.scorers import PatchesSettings
from tests.broker import Subscriber
from tests.end_to_end.line import Line
from tests.parts import small_config, write_parts
from training.export import export, golden_pictures
from training.fit import fit_model
from training.network import NetworkSettings
from training.seen import TrainingSet

SIZE = (896, 1344)
DENT = 8
WHOLE = NetworkSettings()
TILES = NetworkSettings(tiles={"rows": 2, "columns": 3})


def sheets(n, seed):
    """Grey, finely grained, (n, 896, 1344, 3)."""
    rng = np.random.default_rng(seed)
    grain = np.stack([cv2.GaussianBlur(rng.standard_normal(SIZE, np.float32), (0, 0), 1.5) for _ in range(n)])
    return np.repeat((110 + 6 * grain / grain.std()).astype(np.uint8)[..., None], 3, axis=3)


def dented_sheets(n, seed):
    """The same with one dent each, its flanks light and dark: they average out where the picture is made small."""
    rng = np.random.default_rng(seed)
    dented = sheets(n, seed)
    for sheet in dented:
        top, left = (rng.integers(DENT, side - 2 * DENT) for side in SIZE)
        sheet[top : top + DENT, left : left + DENT // 2] += 97
        sheet[top : top + DENT, left + DENT // 2 : left + DENT] -= 97
    return dented


def resized(pictures, network):
    return np.stack([resize(picture, *network.picture_size) for picture in pictures])


def fitted(network):
    """The model, and the normal pictures that it was fitted on and calibrated by."""
    data = TrainingSet(resized(sheets(12, 0), network), resized(sheets(12, 1), network), {}, {})
    patches = PartSettings(distance=PatchesSettings(bank_size=1000, candidates=8000, worst_share=0.001))
    return fit_model(small_config(network=network, scorers=(patches,)), data, run_dir=None), data


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiles") / "sheets"
    model, data = fitted(TILES)
    export(model, golden_pictures(model, data), path, {"name": "sheets", "training": {}})
    return read_bundle(path)


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port, "inspector/#")
    yield subscriber
    subscriber.close()


def outcomes(bundle, pictures):
    return [bundle.judge(bundle.embedder.embed(bundle.prepare(each)[None]))[0].outcome for each in pictures]


def test_a_picture_made_small_has_mostly_lost_its_dent():
    model, _ = fitted(WHOLE)

    caught = model.score(resized(dented_sheets(8, 2), WHOLE)) > model.calibration.threshold

    assert caught.mean() <= 0.5


def test_tiles_see_every_dent(bundle):
    assert outcomes(bundle, dented_sheets(8, 2)) == 8 * [Outcome.FAIL]
    assert outcomes(bundle, sheets(4, 3)) == 4 * [Outcome.PASS]


def test_the_daemon_catches_them_too(tmp_path, broker, subscriber, bundle):
    pictures = tmp_path / "press-1"
    write_parts(pictures, sheets(2, 3), "good")
    write_parts(pictures, dented_sheets(2, 2), "dented")

    with Line(tmp_path, broker.port, bundle.path, pictures, mode="once") as line:
        assert line.process.wait(60) == 0
        subscriber.wait_for_state("stopped")

    verdicts = {each["part_id"]: each["outcome"] for each in subscriber.of("result")}
    assert verdicts == {"good-000": "PASS", "good-001": "PASS", "dented-000": "FAIL", "dented-001": "FAIL"}
