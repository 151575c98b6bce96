"""The operator's page in a real browser, before a real daemon."""

import csv
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import findings
from tests.end_to_end.conftest import log_in

SCREENS = {"phone": (390, 844), "tablet": (1024, 768), "wall": (1920, 1080)}


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


def test_a_frozen_page_holds_its_pictures_while_the_line_goes_on(person, line):
    page = person("vera")
    card = page.locator('[data-station="press-1"]')
    line.show("lid-still")
    expect(card.get_by_role("link", name="lid-still", exact=True)).to_be_visible()

    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("status")).to_contain_text("Frozen")
    other = person("vera")
    line.show("lid-moving", scratched=True)
    expect(other.locator('[data-station="press-1"]')).to_contain_text("lid-moving")
    page.wait_for_timeout(1500)  # it has heard of it by now
    expect(card).to_contain_text("lid-still")
    expect(page.locator("#old")).to_be_hidden()
    assert findings(page) == []

    page.keyboard.press("f")
    expect(card).to_contain_text("lid-moving")
    expect(page.get_by_role("status")).to_be_hidden()


def test_a_click_that_takes_longer_than_a_part_goes_where_it_began(person, line):
    page, other = person("vera"), person("vera")
    line.show("lid-pressed")
    link = page.get_by_role("link", name="lid-pressed", exact=True)
    expect(link).to_be_visible()

    link.hover()
    page.mouse.down()
    line.show("lid-meanwhile")
    expect(other.locator('[data-station="press-1"]')).to_contain_text("lid-meanwhile")
    page.wait_for_timeout(1500)  # it has heard of it by now
    page.mouse.up()

    expect(page.get_by_role("heading", level=1)).to_contain_text("lid-pressed")


def test_what_comes_while_a_card_is_pressed_is_shown_once_it_is_let_go(person, line):
    page, other = person("vera"), person("vera")
    card = page.locator('[data-station="press-1"]')
    line.show("lid-held")
    expect(card).to_contain_text("lid-held")

    card.locator(".verdict").hover()
    page.mouse.down()
    line.show("lid-next")
    expect(other.locator('[data-station="press-1"]')).to_contain_text("lid-next")
    page.mouse.up()

    expect(card).to_contain_text("lid-next")


def test_a_keyboard_stays_where_it_is_while_parts_come(person, line):
    page = person("vera")
    line.show("lid-focused")
    page.get_by_role("link", name="lid-focused", exact=True).focus()

    line.show("lid-after")

    expect(page.get_by_role("link", name="lid-after", exact=True)).to_be_focused()


def test_new_parts_come_into_the_strip_unless_it_is_frozen(person, line):
    page = person("vera")
    page.goto("/parts")
    line.show("strip-1")
    expect(page.locator("#strip")).to_contain_text("strip-1", timeout=15_000)

    page.get_by_role("button", name="Freeze").click()
    line.show("strip-2")
    other = person("vera")
    expect(other.locator('[data-station="press-1"]')).to_contain_text("strip-2")
    page.wait_for_timeout(4000)  # longer than it takes to look again
    expect(page.locator("#strip")).not_to_contain_text("strip-2")
    assert findings(page) == []

    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#strip")).to_contain_text("strip-2", timeout=15_000)


def test_an_older_page_of_the_strip_stays_as_it_is(person, line):
    line.show("old-strip")
    page = person("vera")
    expect(page.locator('[data-station="press-1"]')).to_contain_text("old-strip")
    page.goto("/parts?below=1000000")

    expect(page.get_by_role("button", name="Freeze")).to_have_count(0)


def test_a_reject_is_found_and_opened(person, line):
    line.show("lid-3", scratched=True)
    page = person("vera")
    page.get_by_role("link", name="Parts").click()
    page.get_by_label("Show").select_option("rejects")
    page.get_by_label("Type").fill("scratch")
    page.locator("main").get_by_role("button", name="Show").click()
    page.wait_for_url("**/parts?**")
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
    part = card.locator(".what a").get_attribute("href")
    more = ("/threshold/press-1", "/learn/press-1", "/models", part, f"{part}/why")
    pages |= {each: each for each in ("/", "/parts", "/report", *more)}

    for address in pages.values():
        page.goto(address)
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_part_is_put_beside_what_it_looks_like(person, line):
    line.show("lid-why", scratched=True)
    page = person("vera")
    page.locator('[data-station="press-1"]').get_by_role("link", name="lid-why").click()
    page.get_by_role("link", name="What it looks like").click()

    for name in ("Nearest good part", "Nearest known anomaly"):
        image = page.get_by_role("img", name=name)
        expect(image).to_be_visible()
        assert image.evaluate("image => image.naturalWidth") > 0
    expect(page.locator("figcaption strong")).to_have_text(["normal", "scratch"])
    assert findings(page) == []


def test_an_alarm_is_seen_to_by_an_operator_and_the_record_says_who(person, line):
    card = '[data-station="press-1"]'
    viewer, operator = person("vera"), person("otto")
    for number in range(3):
        line.show(f"row-{number}", scratched=True)
    for page in (viewer, operator):
        expect(page.locator(card)).to_contain_text("Several parts in a row failed")
    expect(viewer.get_by_role("button", name="I have seen it")).to_be_hidden()

    operator.get_by_role("button", name="I have seen it").click()
    expect(operator.locator(card)).to_contain_text("Seen by otto by way of")
    operator.get_by_role("button", name="It is over").click()
    expect(operator.get_by_text("The station refused it")).to_be_visible()  # its cause lasts

    line.show("good-again")
    operator.goto("/")
    expect(operator.locator(card)).to_contain_text("good-again")
    operator.get_by_role("button", name="It is over").click()
    expect(viewer.locator(card)).not_to_contain_text("Several parts in a row failed")
    assert [error for error in person.errors if "409" in error]
    person.errors.clear()


def test_an_engineer_pauses_the_station_and_others_see_it(person, line):
    engineer, viewer = person("erna"), person("otto")
    card = '[data-station="press-1"]'
    expect(viewer.locator(card)).to_contain_text("judging")
    expect(viewer.get_by_role("button", name="Pause")).to_be_hidden()

    engineer.get_by_role("button", name="Pause").click()
    expect(viewer.locator(card)).to_contain_text("paused")
    engineer.get_by_role("button", name="Judge again").click()
    expect(viewer.locator(card)).to_contain_text("judging")


def test_another_model_is_compared_and_takes_over_and_is_taken_back(person, line, tmp_path):
    before, after = line.add_model(tmp_path / "newer", "newer")
    engineer, viewer = person("erna"), person("vera")
    viewer.goto("/models")
    expect(viewer.get_by_role("table")).to_contain_text(after[:12])
    expect(viewer.get_by_role("button", name="Deploy")).to_be_hidden()
    assert findings(viewer) == []

    engineer.goto("/models")
    engineer.get_by_label("Another model").select_option(after)
    engineer.get_by_label("Compare it first").fill("2")
    engineer.get_by_role("button", name="Deploy").click()
    expect(engineer.locator(".facts")).to_contain_text("a model is compared")
    for number in range(3):
        line.show(f"compared-{number}")
    expect(engineer.locator(".facts")).to_contain_text("on probation", timeout=20_000)

    line.show("by-the-new-one")
    card = viewer.locator('[data-station="press-1"]')
    viewer.goto("/")
    card.get_by_role("link", name="by-the-new-one").click()
    expect(viewer.locator(".facts")).to_contain_text(after[:12])

    engineer.get_by_role("button", name="Call it off").click()
    engineer.goto("/models")
    expect(engineer.locator(".facts")).to_contain_text(before[:12])
    expect(engineer.locator(".facts")).to_contain_text("rolled back")


def test_a_daemon_that_is_gone_is_missed(person, line):
    page = person("vera")
    expect(page.locator(".doing")).to_contain_text("judging")

    line.stop("run")
    expect(page.locator(".doing")).to_contain_text("The daemon does not answer", timeout=20_000)
    line.start("run")
    expect(page.locator(".doing")).to_contain_text("judging", timeout=30_000)


def test_a_shift_can_be_read_printed_and_taken_along(person, line, tmp_path):
    line.show("lid-report", scratched=True)
    page = person("vera")
    expect(page.locator('[data-station="press-1"]')).to_contain_text("lid-report")
    page.locator("nav").get_by_role("link", name="Report").click()

    expect(page.get_by_role("row", name=re.compile("scratch"))).to_be_visible()
    assert findings(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    fails = [int(row["count"]) for row in rows if (row["what"], row["outcome"]) == ("outcome", "FAIL")]
    assert fails == [sum(int(row["count"]) for row in rows if (row["what"], row["outcome"]) == ("hour", "FAIL"))]
    assert {row["name"] for row in rows if row["what"] == "type"} == {"scratch"}

    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(page.get_by_role("heading", name="By the hour")).to_be_visible()


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
    expect(page.get_by_role("heading", level=1)).to_be_visible()
