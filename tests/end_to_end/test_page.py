"""The operator's page in a real browser, before a real daemon."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import log_in
from tests.requirements import needs

AXE = Path(__file__).parents[2] / "build" / "node" / "node_modules" / "axe-core" / "axe.min.js"

SCREENS = {"phone": (390, 844), "tablet": (1024, 768), "wall": (1920, 1080)}


def findings(page):
    """What axe-core holds to be serious or critical (WCAG 2.2 A and AA)."""
    needs(AXE.exists(), "axe-core (npm install --prefix build/node axe-core)")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    assert page.evaluate("axe.run()")["passes"]
    grave = [each for each in found if each["impact"] in {"serious", "critical"}]
    return [f"{each['id']}: {node['html']}" for each in grave for node in each["nodes"]]


def test_verdicts_arrive_by_themselves(person, line):
    page = person("vera")
    card = page.locator('[data-station="press-1"]')

    line.show("lid-1")
    expect(card.locator(".verdict")).to_have_text(re.compile("PASS"))
    expect(card.get_by_role("link", name="lid-1")).to_be_visible()
    expect(card.get_by_role("img", name="The last picture")).to_be_visible()

    line.show("lid-2", scratched=True)
    expect(card.locator(".verdict")).to_have_text(re.compile("FAIL"))
    expect(card).to_contain_text("scratch")


def test_a_reject_is_found_and_opened(person, line):
    line.show("lid-3", scratched=True)
    page = person("vera")
    page.get_by_role("link", name="Parts").click()
    page.get_by_label("Show").select_option("rejects")
    page.get_by_label("Type").fill("scratch")
    page.locator("main").get_by_role("button", name="Show").click()

    page.get_by_role("link", name=re.compile("lid-3")).click()

    expect(page.get_by_role("heading", name=re.compile("lid-3"))).to_be_visible()
    expect(page.get_by_role("img", name="The picture that was judged")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_accessible_and_fits_its_screen(person, line, screen, scheme):
    line.show(f"lid-{screen}-{scheme}", scratched=True)
    width, height = SCREENS[screen]
    page = person(viewport={"width": width, "height": height}, color_scheme=scheme)
    pages = {"/login": page.url}
    log_in(page, "otto")
    card = page.locator('[data-station="press-1"]')
    expect(card).to_contain_text(f"lid-{screen}-{scheme}")
    pages |= {"/": "/", "/parts": "/parts", "part": card.locator(".what a").get_attribute("href")}

    for address in pages.values():
        page.goto(address)
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("code", "live", "verdict"), [("de", "Live", "IO"), ("ja", "ライブ", "合格")])
def test_the_page_speaks_the_language_of_the_browser_or_that_of_the_person(person, line, code, live, verdict):
    line.show(f"lid-{code}")
    page = person("vera")
    page.locator(f'button[value="{code}"]').click()

    expect(page.locator("nav a").first).to_have_text(live)
    expect(page.locator(".verdict")).to_contain_text(verdict)
    assert page.locator("html").get_attribute("lang") == code


def test_while_the_page_says_nothing_what_is_seen_is_said_to_be_old(person, line):
    page = person("vera")
    expect(page.locator("#cards")).to_be_visible()
    expect(page.get_by_text("No connection")).to_be_hidden()

    line.processes["ui"].send_signal(signal.SIGSTOP)
    try:
        expect(page.get_by_text("No connection: what you see is old.")).to_be_visible(timeout=20_000)
    finally:
        line.processes["ui"].send_signal(signal.SIGCONT)
    expect(page.get_by_text("No connection")).to_be_hidden(timeout=20_000)


def test_the_whole_first_page_is_light(person, line):
    line.show("lid-light")
    page = person("vera")
    weights = []
    page.on("response", lambda answer: "/news" not in answer.url and weights.append(len(answer.body())))

    page.goto("/", wait_until="load")

    assert sum(weights) <= 200_000


def test_by_keyboard_alone(person, line):
    for number in range(3):
        line.show(f"key-{number}")
    page = person("vera")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.goto("/parts?part=")
    expect(page.locator("#strip a").nth(2)).to_be_visible()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#strip a").nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#strip a").nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_be_visible()
