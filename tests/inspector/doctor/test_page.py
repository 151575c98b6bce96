import pytest

from inspector.doctor import page
from inspector.doctor.findings import Mark
from inspector.doctor.page import look_at_page
from tests.inspector.doctor.subjects import a_subject, marks, the_bad


def a_page(folder, **training):
    training = {"folder": "learning", "command": "/bin/true", "configs": {"press-1": "plates.yaml"}} | training
    return a_subject(folder, ui={"folder": "ui", "training": training})


def test_without_a_page_there_is_nothing_to_say(tmp_path):
    assert list(look_at_page(a_subject(tmp_path))) == []


def test_a_page_that_is_installed_and_can_train_is_good(tmp_path):
    (tmp_path / "plates.yaml").touch()

    assert marks(look_at_page(a_page(tmp_path))) == {"operator's page": Mark.GOOD, "press-1: training": Mark.GOOD}


def test_a_missing_extra_is_told_with_what_brings_it(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PACKAGES", ("json", "no_such_package"))

    finding = the_bad(look_at_page(a_subject(tmp_path, ui={"folder": "ui"})))

    assert finding.says == "cannot be served without no_such_package"
    assert "--extras ui" in finding.advice


@pytest.mark.parametrize(
    ("training", "says"),
    [
        ({"command": "no-such-program"}, "there is no no-such-program"),
        ({"configs": {"press-1": "elsewhere.yaml"}}, "elsewhere.yaml is not there"),
        ({"configs": {"press-9": "plates.yaml"}}, "there is no such station"),
    ],
)
def test_what_keeps_the_page_from_training_is_told(tmp_path, training, says):
    (tmp_path / "plates.yaml").touch()

    assert says in the_bad(look_at_page(a_page(tmp_path, **training))).says
