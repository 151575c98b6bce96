"""A station without a model: collect good parts, train, deploy and see it judge, on the operator's page alone."""

import re

import pytest
from playwright.sync_api import expect

from inspector.inspection import Outcome
from inspector.models import Store
from inspector.records.filter import Filter
from inspector.ui.history import History
from inspector.ui.learn_page import LEAST
from tests.broker import wait_until
from tests.browser import findings
from tests.end_to_end.conftest import post
from tests.page import TRAINED_MS, PagedLine, training_in
from tests.parts import SIZE, good_parts, write_parts

TRAINING = f"""\
name: plates
output: out
data: {{root: learning/press-1/labelled}}
network:
  {{backbone: light, weights: none, input_size: [{SIZE}, {SIZE}], levels: [8], patch_levels: [8], train: head}}
batch_size: 16
trainer: {{max_epochs: 1}}
false_reject_rate: 0.2
"""
COLLECTED_MS = 120_000


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Ten good parts a second, and nothing that judges them."""
    folder = tmp_path_factory.mktemp("line")
    write_parts(folder / "good", good_parts(80), "good")
    (folder / "plates.yaml").write_text(TRAINING)
    cameras = {"press-1": f"{{kind: folder, path: {folder}/good, mode: loop, rate_hz: 10}}"}
    with PagedLine(folder, None, cameras, ui=training_in(folder)) as running:
        yield running


def good_so_far(page):
    text = page.get_by_text(re.compile(r"^\d+ of \d+$")).first.inner_text()
    return int(text.split()[0])


def test_only_engineers_do_it(person, line):
    for name in ("vera", "otto"):
        page = person(name)
        page.goto("/learn/press-1")
        expect(page.get_by_role("heading", name="A first model")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("Collect|Train"))).to_have_count(0)
        for address in ("/learn/press-1/collect", "/learn/press-1/collect/stop", "/learn/press-1/drop"):
            assert post(page, address, inspection="x") == 403


def test_every_page_can_do_without_a_model(person, line):
    page, history = person("erna"), History(line.folder / "records", "press-1")
    part = wait_until(lambda: history.parts(Filter(), 1), "a part")[0].inspection

    for address in ("/", "/parts", f"/parts/press-1/{part.id}", "/threshold/press-1", "/models", "/report"):
        assert page.goto(address).status == 200
        assert findings(page) == []
    assert page.request.get(f"/parts/press-1/{part.id}/why").status == 404
    page.goto("/models")
    expect(page.get_by_text("none yet: every part is rejected")).to_be_visible()
    expect(page.get_by_role("button", name="Back to the model before")).to_have_count(0)


def test_from_no_model_to_a_verdict(person, line):
    page, history = person("erna"), History(line.folder / "records", "press-1")
    card = page.locator('[data-station="press-1"]')
    expect(card.locator(".verdict")).to_have_text(re.compile("ERROR"))
    expect(card).to_contain_text("no_model")
    card.get_by_role("link", name="no model yet").click()

    train = page.get_by_role("button", name="Train a first model")
    expect(train).to_be_disabled()
    page.get_by_role("button", name="Collect good parts").click()
    assert findings(page) == []
    page.wait_for_function(
        f"() => parseInt(document.querySelector('progress')?.value) >= {LEAST + 4}", timeout=COLLECTED_MS
    )
    page.get_by_role("button", name="Collect no more").click()
    expect(page.get_by_role("button", name="Collect good parts")).to_be_visible()
    before = good_so_far(page)
    page.get_by_role("button", name="Take it out").first.click()
    wait_until(lambda: good_so_far(page) == before - 1, "one less")
    assert post(page, "/learn/press-1/drop", inspection="01ARZ3NDEKTSV4RRFFQ69G5FAV") == 404
    assert post(page, "/learn/press-1/collect", new_type="../up") == 400
    assert findings(page) == []

    train.click()
    deploy = page.get_by_role("button", name="Deploy")
    expect(deploy).to_be_visible(timeout=TRAINED_MS)
    (digest,) = Store(line.folder / "models").digests()
    assert history.parts(Filter(), 1)[0].inspection.bundle is None  # nobody judges by it yet
    deploy.click()
    page.wait_for_url("**/models")

    wait_until(lambda: history.parts(Filter(), 1)[0].inspection.bundle == digest, "a verdict")
    # One of five is rejected, by what is asked of the training: the first need not be a PASS.
    wait_until(
        lambda: (
            (Outcome.PASS, digest)
            in {(part.inspection.outcome, part.inspection.bundle) for part in history.parts(Filter(), 20)}
        ),
        "a PASS by it",
    )
    page.goto("/learn/press-1")
    expect(page.get_by_role("heading", name="A first model")).to_have_count(0)
    page.goto("/")
    expect(card).not_to_contain_text("no model yet")
