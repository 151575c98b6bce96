"""Moving the threshold on the operator's page, and setting it, in front of a real daemon."""

import re

import pytest
from playwright.sync_api import expect

from inspector.bundle import read_manifest
from inspector.models import Store
from inspector.records.filter import Filter
from inspector.records.reading import reading
from inspector.ui.history import History
from tests.broker import wait_until
from tests.browser import findings


@pytest.fixture(scope="module")
def judged(line):
    """Eight good parts and four scratched ones, which the line has judged."""
    for number in range(12):
        line.show(f"judged-{number:02}", scratched=number % 3 == 2)
    history = History(line.folder / "records", "press-1")
    wait_until(lambda: len(history.parts(Filter(), 100)) >= 12, "twelve verdicts")
    return history


def row(page, name):
    """Now, and then."""
    return [text.strip() for text in cells(page, name).all_inner_texts()]


def cells(page, name):
    return page.get_by_role("row").filter(has_text=re.compile(name)).first.get_by_role("cell")


def ask(page, threshold):
    page.locator("#ask input[name=threshold]").fill(str(threshold))


def post(page, **form):
    """As the form does, and whatever it does not offer; the status."""
    said = {"csrf": page.locator("header input[name=csrf]").get_attribute("value"), "bundle": "", "threshold": "1"}
    return page.request.post("/threshold/press-1", form={**said, "shadow": "0", "reason": "why not", **form},
                             max_redirects=0).status  # fmt: skip


def test_moving_the_threshold_shows_what_would_have_been(person, judged):
    page = person("vera")
    page.goto("/threshold")
    assert findings(page) == []
    fails, _ = row(page, "FAIL")

    ask(page, -1e6)
    expect(cells(page, "PASS").last).to_have_text("0")
    assert row(page, "FAIL") == [fails, str(len(judged.scored(100)))]
    assert row(page, "good parts rejected")[1] == "≤ 100\u00a0%"

    page.locator("#slider").focus()
    page.keyboard.press("End")
    expect(cells(page, "FAIL").last).to_have_text("0")
    assert page.locator("#ask input[name=threshold]").input_value() != "-1000000"


def test_labelled_parts_say_what_would_escape(person, line, judged):
    page = person("otto")
    scratched = next(part.inspection for part in judged.parts(Filter(), 100) if part.inspection.nearest_type)
    page.goto(f"/parts/press-1/{scratched.id}")
    page.get_by_label("Type of anomaly").select_option("scratch")
    page.get_by_role("button", name="Rightly rejected").click()
    expect(page.locator(".label .badge")).to_have_text("Rightly rejected: scratch")

    page.goto(f"/threshold/press-1?threshold={scratched.score + 1}")

    assert row(page, "Escaped, of those labelled as: scratch") == ["0 of 1", "1 of 1"]


def test_an_engineer_sets_it_and_the_next_verdicts_go_by_it(person, line, judged):
    page = person("erna")
    page.goto("/threshold/press-1")
    before = judged.parts(Filter(), 1)[0].inspection
    threshold = round(before.threshold * 0.9, 3)
    page.locator("#new").fill(str(threshold))
    expect(page.locator("#ask input[name=threshold]")).to_have_value(str(threshold))
    page.get_by_label("Why").fill("the  new lamp")
    page.get_by_label("Compare it first").fill("0")
    page.get_by_role("button", name="Set", exact=True).click()
    page.wait_for_url("**/models")

    store = Store(line.folder / "models")
    (digest,) = store.digests()
    expect(page.locator(".card code").first).to_have_text(digest[:12])
    event = read_manifest(store.path(digest))[0].calibrations[-1]
    assert (event.by, event.reason, event.threshold) == ("erna", "the new lamp", threshold)

    def judged_by_it():
        line.show(f"after-{judged.newest()}")
        last = judged.parts(Filter(), 1)[0].inspection
        return (last.bundle, last.threshold) == (digest, threshold)

    wait_until(judged_by_it, "a verdict by the new threshold")
    (note,) = notes(line)
    assert note["by"] == "erna"
    assert (note["threshold"], note["previous"], note["bundle"]) == (threshold, before.threshold, digest)


def notes(line):
    """What the page's own record says of thresholds."""
    with reading(line.folder / "ui" / "operator-page.sqlite") as connection:
        return [row.content for row in Filter(kind="threshold").last(connection, 10)]


@pytest.mark.parametrize("name", ["vera", "otto"])
def test_only_engineers_set_it(person, line, judged, name):
    page = person(name)
    page.goto("/threshold/press-1")

    expect(page.get_by_role("heading", name="Set this threshold")).to_be_hidden()
    assert post(page, bundle=judged.parts(Filter(), 1)[0].inspection.bundle) == 403


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"threshold": "nan"}, 400),
        ({"threshold": "much"}, 400),
        ({"reason": " "}, 400),
        ({"reason": "x" * 501}, 400),
        ({"shadow": "-1"}, 400),
        ({"bundle": "../../etc"}, 409),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_made(person, line, judged, form, status):
    page = person("erna")
    before = Store(line.folder / "models").digests()

    assert post(page, **{"bundle": judged.parts(Filter(), 1)[0].inspection.bundle, **form}) == status

    assert Store(line.folder / "models").digests() == before


def test_before_the_first_part_there_is_nothing_to_move(person, line):
    page = person("vera")
    assert page.request.get("/threshold/nobody").status == 404
    assert page.request.get("/threshold?station=nobody").status == 404
    assert page.request.get("/threshold/press-1?last=7").status == 400
