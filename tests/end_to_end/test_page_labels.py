"""What people say of parts, from the page in a real browser to the set that training takes."""

import json
import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import findings


@pytest.fixture
def part(line):
    """Shows a part to the camera and opens its page."""

    def open_part(page, name, *, scratched):
        line.show(name, scratched=scratched)
        page.goto("/")
        page.locator('[data-station="press-1"]').get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=re.compile(name))).to_be_visible()
        return page

    return open_part


def labels(line, *words):
    """``inspector labels``; its exit status and what it said as JSON."""
    command = [sys.executable, "-m", "inspector.cli", "labels", line.config, *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return [json.loads(each) for each in done.stdout.splitlines()]


def id_of(page):
    return urlsplit(page.url).path.rpartition("/")[2]


def post(page, **form):
    """As the form of the part's page, and whatever it does not offer; the status."""
    said = {"csrf": page.locator(".label input[name=csrf]").get_attribute("value"), **form}
    return page.request.post(f"{page.url}/label", form=said, max_redirects=0).status


def test_three_labelled_parts_become_a_training_set(person, line, part, tmp_path):
    page = person("otto")
    part(page, "wrongly-out", scratched=True)
    page.get_by_role("button", name="Wrongly rejected").click()
    expect(page.locator(".label .badge")).to_have_text("Wrongly rejected")
    good = id_of(page)

    part(page, "rightly-out", scratched=True)
    page.get_by_label("Type of anomaly").select_option("scratch")
    page.get_by_role("button", name="Rightly rejected").click()
    expect(page.locator(".label .badge")).to_have_text("Rightly rejected: scratch")
    expect(page.locator(".label")).to_contain_text("otto")
    bad = id_of(page)

    part(page, "let-pass", scratched=False)
    expect(page.get_by_role("button", name="Wrongly rejected")).to_be_hidden()
    page.get_by_role("button", name="Missed").click()
    expect(page.locator(".label .badge")).to_be_hidden()  # of which type, has to be said first
    page.get_by_label("Type of anomaly").select_option("scratch")
    page.get_by_role("button", name="Missed").click()
    expect(page.locator(".label .badge")).to_have_text("Missed: scratch")
    missed = id_of(page)
    assert findings(page) == []

    page.goto("/parts?show=labelled")
    expect(page.locator("#strip .badge")).to_have_count(3)
    (done,) = labels(line, "export", "--station", "press-1", "--to", str(tmp_path))
    assert done["written"] == 3
    assert {path.stem: path.parent.name for path in tmp_path.glob("*/*.jpg")} == {
        good: "normal", bad: "scratch", missed: "scratch"
    }  # fmt: skip


def test_a_label_is_changed_and_withdrawn(person, line, part):
    page = part(person("otto"), "twice", scratched=True)
    page.get_by_role("button", name="Rightly rejected").click()
    expect(page.locator(".label .badge")).to_contain_text("Rightly rejected")
    page.get_by_role("button", name="Wrongly rejected").click()
    expect(page.locator(".label .badge")).to_have_text("Wrongly rejected")
    assert [each["says"] for each in labels(line, "list") if each["inspection"] == id_of(page)] == ["false_reject"]

    page.get_by_role("button", name="Withdraw the label").click()

    expect(page.get_by_text("Nobody has labelled it yet.")).to_be_visible()
    page.goto("/parts?show=unlabelled")
    expect(page.get_by_role("link", name=re.compile("twice"))).to_be_visible()


def test_an_engineer_names_a_type_and_operators_have_it_from_then_on(person, line, part):
    engineer = part(person("erna"), "dented", scratched=True)
    engineer.get_by_label("Or a new type").fill("dent")
    engineer.get_by_label("Weight of the new type").fill("2.5")
    engineer.get_by_label("must never escape").check()
    assert findings(engineer) == []
    engineer.get_by_role("button", name="Rightly rejected").click()
    expect(engineer.locator(".label .badge")).to_have_text("Rightly rejected: dent")

    operator = part(person("otto"), "dented-too", scratched=True)
    expect(operator.get_by_label("Or a new type")).to_be_hidden()
    operator.get_by_label("Type of anomaly").select_option("dent")
    operator.get_by_role("button", name="Rightly rejected").click()

    expect(operator.locator(".label .badge")).to_have_text("Rightly rejected: dent")
    said = {each["inspection"]: each["anomaly"] for each in labels(line, "list")}
    assert said[id_of(operator)] == {"type": "dent", "weight": 2.5, "critical": True}


def test_an_operator_names_no_type(person, part):
    page = part(person("otto"), "new-to-me", scratched=True)

    assert post(page, says="true_reject", new_type="rust") == 403
    assert post(page, says="true_reject", type="rust") == 400
    page.reload()
    expect(page.get_by_text("Nobody has labelled it yet.")).to_be_visible()


def test_a_viewer_sees_labels_and_gives_none(person, part):
    operator = part(person("otto"), "seen-by-all", scratched=True)
    operator.get_by_role("button", name="Wrongly rejected").click()
    expect(operator.locator(".label .badge")).to_be_visible()
    viewer = person("vera")
    viewer.goto(operator.url)
    expect(viewer.locator(".label .badge")).to_have_text("Wrongly rejected")
    expect(viewer.locator(".label button")).to_have_count(0)

    csrf = viewer.locator("input[name=csrf]").first.get_attribute("value")
    form = {"csrf": csrf, "says": "true_reject", "type": "scratch"}
    assert viewer.request.post(f"{viewer.url}/label", form=form, max_redirects=0).status == 403


@pytest.mark.parametrize("csrf", ["", "guessed"])
def test_a_form_of_another_session_labels_nothing(person, part, csrf):
    page = part(person("otto"), f"forged-{csrf}", scratched=True)

    assert post(page, says="false_reject", csrf=csrf) == 403


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"says": "missed", "type": "scratch"},
        {"says": "true_reject"},
        {"says": "true_reject", "new_type": "../../etc"},
        {"says": "true_reject", "new_type": "normal"},
        {"says": "true_reject", "new_type": "rust", "weight": "nan"},
        {"says": "true_reject", "new_type": "rust", "weight": "a lot"},
    ],
)
def test_what_makes_no_sense_is_refused(person, part, form):
    page = part(person("erna"), "senseless", scratched=True)

    assert post(page, **form) == 400
