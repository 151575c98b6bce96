from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from inspector.inspection import Outcome
from tests.parts import SIZE, good_parts, scratched_parts, write_parts
from training.dataset import read_pictures
from training.evaluate import Scored, auroc, known, score_files, summarise


def scored(label, *scores, threshold=1.0):
    return [
        Scored(Path(f"{label}-{i}.png"), label, score, Outcome.FAIL if score > threshold else Outcome.PASS, None)
        for i, score in enumerate(scores)
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pictures that must be resized: half again as wide as the model's input, and twice as high."""
    folder = tmp_path_factory.mktemp("pictures")
    sets = {"normal": good_parts(4, seed=5), "scratch": scratched_parts(4, seed=5)}
    return {
        name: write_parts(folder / name, [cv2.resize(part, (SIZE * 3 // 2, SIZE * 2)) for part in parts])
        for name, parts in sets.items()
    }


def test_figures_of_an_evaluation():
    figures = summarise(
        [*scored("normal", 0.1, 0.2, 0.3, 1.5), *scored("crack", 0.9, 2.0), *scored("fray", 3.0, 4.0)], "normal"
    )

    truth, scores = [0] * 4 + [1] * 4, [0.1, 0.2, 0.3, 1.5, 0.9, 2.0, 3.0, 4.0]
    assert figures["auroc"] == pytest.approx(roc_auc_score(truth, scores))
    assert (figures["normals"], figures["anomalies"]) == (4, 4)
    assert figures["false_reject_rate"] == 0.25
    assert figures["recall"] == 0.75
    least = figures["types"]["crack"].pop("recall_at_least"), figures["types"]["fray"].pop("recall_at_least")
    assert least == pytest.approx((1 - 0.95**0.5, 0.05**0.5))
    assert figures["types"]["crack"] == {"pictures": 2, "recall": 0.5, "auroc": pytest.approx(0.875)}
    assert figures["types"]["fray"] == {"pictures": 2, "recall": 1.0, "auroc": 1.0}


def test_what_so_many_pictures_prove():
    """At 95 %, each by itself: 10 of 10 prove 74 %, and 1 of 59 good parts rejected proves at most 7.8 %."""
    figures = summarise([*scored("normal", 2.0, *[0.1] * 58), *scored("crack", *[2.0] * 10)], "normal")

    assert figures["confidence"] == 0.95
    assert figures["recall_at_least"] == figures["types"]["crack"]["recall_at_least"] == pytest.approx(0.05**0.1)
    most = binomtest(1, 59, alternative="less").proportion_ci(0.95, "exact").high
    assert figures["false_reject_rate_at_most"] == pytest.approx(most)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_sklearns_and_the_share_of_pairs_in_order_ties_half(seed):
    rng = np.random.default_rng(seed)
    normal, anomalous = rng.integers(0, 8, 30).astype(np.float32), rng.integers(3, 12, 20).astype(np.float32)

    pairs = [(a > n) + (a == n) / 2 for a in anomalous for n in normal]

    expected = roc_auc_score([0] * 30 + [1] * 20, [*normal, *anomalous])
    assert auroc(normal, anomalous) == pytest.approx(expected)
    assert auroc(normal, anomalous) == pytest.approx(np.mean(pairs))


def test_an_error_verdict_is_no_pass():
    error = Scored(Path("e.png"), "crack", known(None), Outcome.ERROR, None)

    figures = summarise([*scored("normal", 0.1), error], "normal")

    assert (figures["recall"], figures["auroc"]) == (1.0, 1.0)


def test_where_a_class_is_missing_there_is_no_figure():
    figures = summarise(scored("crack", 2.0), "normal")

    assert (figures["auroc"], figures["false_reject_rate"], figures["false_reject_rate_at_most"]) == (None, None, None)
    assert summarise(scored("normal", 2.0), "normal")["recall_at_least"] is None
    assert auroc(np.array([], np.float32), np.array([1.0], np.float32)) is None


def test_files_are_judged_as_the_daemon_does(exported, files):
    _, bundle = exported
    done = []

    judged = score_files(bundle, files, done.append)

    assert [(each.label, each.outcome) for each in judged] == [("normal", "PASS")] * 4 + [("scratch", "FAIL")] * 4
    assert [each.file for each in judged] == [*files["normal"], *files["scratch"]]
    assert {each.nearest_type for each in judged} == {None, "scratch"}
    assert sum(done) == 8


def test_a_file_scores_the_same_through_trainings_code_and_through_the_bundle(exported, files):
    model, bundle = exported

    there = [each.score for each in score_files(bundle, files)]

    here = model.score(read_pictures([*files["normal"], *files["scratch"]], (SIZE, SIZE)))
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-4)


def test_heat_maps_come_from_the_pass_that_scores(exported, files, monkeypatch):
    _, bundle = exported
    passes, embed = [], bundle.embedder.embed
    monkeypatch.setattr(bundle.embedder, "embed", lambda pictures: passes.append(len(pictures)) or embed(pictures))

    judged = score_files(bundle, files)

    assert passes == 8 * [1]
    normal, scratched = ([each.heat.max() for each in judged if each.label == label] for label in files)
    assert max(normal) < min(scratched)
    assert {each.size for each in judged} == {(SIZE * 2, SIZE * 3 // 2)}
