from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from inspector.bundle import read_bundle
from inspector.inspection import Outcome
from tests.parts import good_parts, scratched_parts, write_parts
from training.evaluate import Scored, auroc, known, score_files, summarise


def scored(label, *scores, threshold=1.0):
    return [
        Scored(Path(f"{label}-{i}.png"), label, score, Outcome.FAIL if score > threshold else Outcome.PASS, None)
        for i, score in enumerate(scores)
    ]


def test_figures_of_an_evaluation():
    figures = summarise(
        [*scored("normal", 0.1, 0.2, 0.3, 1.5), *scored("crack", 0.9, 2.0), *scored("fray", 3.0, 4.0)], "normal"
    )

    truth, scores = [0] * 4 + [1] * 4, [0.1, 0.2, 0.3, 1.5, 0.9, 2.0, 3.0, 4.0]
    assert figures["auroc"] == pytest.approx(roc_auc_score(truth, scores))
    assert figures["false_reject_rate"] == 0.25
    assert figures["recall"] == 0.75
    assert figures["types"]["crack"] == {"pictures": 2, "recall": 0.5, "auroc": pytest.approx(0.875)}
    assert figures["types"]["fray"]["recall"] == 1.0


def test_an_error_verdict_is_no_pass():
    error = Scored(Path("e.png"), "crack", known(None), Outcome.ERROR, None)

    assert summarise([*scored("normal", 0.1), error], "normal")["recall"] == 1.0


def test_where_a_class_is_missing_there_is_no_figure():
    figures = summarise(scored("crack", 2.0), "normal")

    assert (figures["auroc"], figures["false_reject_rate"]) == (None, None)
    assert auroc(np.array([], np.float32), np.array([1.0], np.float32)) is None


def test_files_are_judged_as_the_daemon_does(small_bundle, tmp_path):
    files = {
        "normal": write_parts(tmp_path / "normal", good_parts(3, seed=5)),
        "scratch": write_parts(tmp_path / "scratch", scratched_parts(3, seed=5)),
    }
    done = []

    judged = score_files(read_bundle(small_bundle), files, done.append)

    assert [(each.label, each.outcome) for each in judged] == [("normal", "PASS")] * 3 + [("scratch", "FAIL")] * 3
    assert [each.file for each in judged] == [*files["normal"], *files["scratch"]]
    assert sum(done) == 6
