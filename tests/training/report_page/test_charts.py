from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from inspector.inspection import Outcome
from training.evaluate import Scored, known
from training.report_page import charts


def scored(label, score):
    outcome = Outcome.ERROR if score is None else Outcome.FAIL if score > 2 else Outcome.PASS
    return Scored(Path("a.png"), label, known(score), outcome, None)


def words(svg):
    """All that is written in a chart, which is well-formed by this."""
    return [each.text for each in ET.fromstring(svg).iter() if each.tag.endswith("text")]


def test_a_histogram_names_each_kind_with_its_number():
    shown = [scored("normal", 1.0), scored("normal", 1.5), scored("scratch $x$ <b>", 9.0)]

    said = words(charts.histograms(shown, "normal", 2.0, None))

    assert {"normal, 2", "scratch $x$ <b>, 1"} <= set(said)


@pytest.mark.parametrize("scores", [[None, None], [None, 1.0], [0.0, 0.0], [-3.0]])
@pytest.mark.parametrize("threshold", [2.0, 0.0, -1.0])
def test_pictures_without_a_score_do_not_spoil_the_scale(scores, threshold):
    said = words(charts.histograms([scored("normal", each) for each in scores], "normal", threshold, None))

    assert not any("e+" in each or "1e" in each for each in said if each)


def test_the_same_figures_give_the_same_chart():
    shown = [scored("normal", 1.0), scored("scratch", 9.0)]

    first, second = (charts.roc(shown, "normal", 2.0, up_to=1.0) for _ in range(2))

    assert first == second != charts.roc(shown, "normal", 2.0, up_to=0.05)
