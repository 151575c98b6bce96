"""From verdicts to a better model, on the operator's page alone: the real daemon, the real training program."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from inspector.bundle import read_manifest
from inspector.doctor.command import examine
from inspector.doctor.findings import Mark
from inspector.models import Store
from inspector.records.filter import Filter
from inspector.ui.history import History
from tests.broker import wait_until
from tests.browser import findings
from tests.end_to_end.conftest import post
from tests.page import TRAINED_MS, PagedLine, training_in, write_training


@pytest.fixture(scope="module")
def line(tmp_path_factory, small_bundle):
    """A line whose model can be refitted where it stands."""
    folder = tmp_path_factory.mktemp("line")
    write_training(folder)
    with PagedLine(folder, small_bundle, ui=training_in(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def history(line):
    """Of twelve parts, every third of which is scratched."""
    for number in range(12):
        line.show(f"part-{number:02}", scratched=number % 3 == 2)
    history = History(line.folder / "records", "press-1")
    wait_until(lambda: len(history.parts(Filter(), 100)) >= 12, "twelve verdicts")
    return history


def label(page, href, says, of_type=None):
    page.goto(href)
    if of_type:
        page.get_by_label("Type of anomaly").select_option(of_type)
    page.get_by_role("button", name=says).click()
    expect(page.locator(".label .badge")).to_be_visible()


def test_watch_filter_label_refit_compare_and_switch(person, line, history):
    page = person("erna")
    card = page.locator('[data-station="press-1"]')
    line.show("seen-live", scratched=True)
    expect(card.get_by_role("link", name="seen-live", exact=True)).to_be_visible()
    before = history.parts(Filter(), 1)[0].inspection.bundle

    page.goto("/parts")
    page.get_by_label("Show").select_option("rejects")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/parts?**show=rejects**")
    expect(page.locator("#strip > .fail")).to_have_count(page.locator("#strip li").count())
    rejects = [each.get_attribute("href") for each in page.locator("#strip a").all()]
    passed = next(part.inspection for part in history.parts(Filter(), 100) if part.inspection.outcome == "PASS")
    label(page, rejects[0], "Rightly rejected", "scratch")
    label(page, rejects[1], "Wrongly rejected")
    label(page, f"/parts/press-1/{passed.id}", "Missed", "scratch")

    page.goto("/learn")
    assert urlsplit(page.url).path == "/learn/press-1"
    expect(page.get_by_role("row", name=re.compile("scratch"))).to_contain_text("2")
    assert findings(page) == []
    page.get_by_role("button", name="Refit with these labels").click()
    expect(page.get_by_role("button", name="Stop it")).to_be_visible()
    deploy = page.get_by_role("button", name="Deploy")
    expect(deploy).to_be_visible(timeout=TRAINED_MS)
    assert findings(page) == []
    (digest,) = Store(line.folder / "models").digests()
    expect(page.locator("code")).to_have_text(digest[:12])
    record = read_manifest(Store(line.folder / "models").path(digest))[0].training
    assert (record["labelled_normal"], record["anomalies"]) == (1, {"scratch": 7})
    assert history.parts(Filter(), 1)[0].inspection.bundle == before  # nobody judges by it yet

    page.get_by_label("Compare it first").fill("3")
    deploy.click()
    page.wait_for_url("**/models")

    def is_judging():
        line.show(f"after-{history.newest()}")
        return history.parts(Filter(), 1)[0].inspection.bundle == digest

    wait_until(is_judging, "a verdict by the new model")
    page.goto("/")
    page.goto(f"/parts/press-1/{history.parts(Filter(), 1)[0].inspection.id}")
    expect(page.locator(".facts")).to_contain_text(digest[:12])


def test_the_doctor_finds_it_sound(line):
    found = {finding.about: finding for finding in examine(line.config)}

    assert found["ui.port"].says == "the page that runs has it"
    for about in ("operator's page", "press-1: training"):
        assert found[about].mark is Mark.GOOD


@pytest.mark.parametrize("name", ["vera", "otto"])
def test_who_is_no_engineer_can_do_none_of_it(person, line, history, name):
    page = person(name)
    page.goto("/learn/press-1")

    expect(page.get_by_role("button", name=re.compile("Refit|Deploy"))).to_have_count(0)
    for address in ("/learn/press-1", "/learn/press-1/stop", "/threshold/press-1", "/models/press-1"):
        assert post(page, address) == 403


def test_a_viewer_cannot_label(person, line, history):
    page = person("vera")
    reject = history.parts(Filter(), 1)[0].inspection

    assert post(page, f"/parts/press-1/{reject.id}/label", says="false_reject") == 403


def test_a_station_that_is_not_there_is_not_found(person, line):
    page = person("erna")

    assert page.request.get("/learn/nobody").status == 404
    assert post(page, "/learn/nobody") == 404
