import re
from html import unescape

import pytest

from inspector.bundle import read_bundle
from training.cli import main


def text_of(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_first_screen_says_what_is_promised_caught_and_doubtful(report):
    page, figures = report
    said = text_of(page[: page.index("<nav>")])

    assert "At most 10 % of the good parts are rejected." in said
    caught = sum(own["caught"] for own in figures["observed"]["types"].values())
    assert f"{caught} of 21 defective parts were caught" in said
    assert "scratch (critical)" in said
    assert "A model, no proof, says that at most 0.5 % of the good parts are rejected without a person looking" in said


def test_every_chapter_is_there(report, calibrated):
    page, figures = report
    said, bundle = text_of(page), read_bundle(calibrated)

    rejected = figures["observed"]["rejected"]
    for fact in (
        f"{rejected} of 32", "12 of 12", "generalised Pareto", "Anderson-Darling", "held out of the training",
        "of 80 held-out scores lie above the threshold",
        f"Good parts that were rejected: {rejected}", "Defects that passed: ", "brightness", "sharpness",
        bundle.digest, bundle.manifest.files["model.onnx"],
    ):  # fmt: skip
        assert fact in said, fact
    assert page.count("<svg") == 5
    assert page.count("data:image/jpeg;base64,") >= 3


def test_what_comes_from_the_folders_is_text_and_no_markup(report):
    page, _ = report

    assert "dent <b>" not in page
    assert "dent &lt;b&gt;" in page


def test_nothing_is_fetched_and_nothing_runs(report):
    page, _ = report

    assert "<script" not in page
    assert "default-src 'none'" in page
    fetched = re.findall(r"(?:src|href)=\"([^\"]+)\"|url\(([^)]+)\)", page)
    assert {(one or two)[:1] for one, two in fetched} <= {"#", "d"}
    assert all((one or two).startswith(("#", "data:")) for one, two in fetched)


def test_charts_take_the_pages_colour_and_no_two_things_have_one_id(report):
    page, _ = report
    ids = re.findall(r' id="([^"]+)"', page)

    assert "#123456" not in page
    assert "currentColor" in page
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("kept", ["normal", "scratch"])
def test_a_set_of_one_kind_has_a_page_too(calibrated, data, tmp_path, kept):
    (tmp_path / "set" / "normal").mkdir(parents=True)
    (tmp_path / "set" / kept).mkdir(exist_ok=True)
    for picture in list((data / kept).iterdir())[:3]:
        (tmp_path / "set" / kept / picture.name).hardlink_to(picture)
    if kept != "normal":
        (tmp_path / "set" / "normal" / "one.png").hardlink_to(next((data / "normal").iterdir()))
    page = tmp_path / "page.html"

    assert main(["report", str(calibrated), "--data", str(tmp_path / "set"), "--output", str(page)]) == 0

    said = page.read_text()
    assert ("No defective parts were shown" in said) is (kept == "normal")


def test_a_place_that_is_not_there_is_told_before_any_work(calibrated, data, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["report", str(calibrated), "--data", str(data), "--output", str(tmp_path / "no" / "page.html")])

    assert "there is no folder" in capsys.readouterr().err
