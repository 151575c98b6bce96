"""The page in a real browser, as wide as a phone, in both colour schemes."""

import pytest

from tests.browser import chromium

PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def file(report, tmp_path_factory):
    file = tmp_path_factory.mktemp("browser") / "page.html"
    file.write_text(report[0], encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def phone(request, browser, file):
    """The page, with all that it asked for and complained of."""
    page = browser.new_page(viewport=PHONE, color_scheme=request.param)
    page.asked, page.complaints = [], []
    page.on("request", lambda each: page.asked.append(each.url))
    page.on("console", lambda each: page.complaints.append(each.text))
    page.on("pageerror", lambda each: page.complaints.append(str(each)))
    page.goto(file)
    yield page
    page.close()


def test_it_is_no_wider_than_a_phone(phone):
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_promise_is_on_the_first_screen(phone, report):
    box = phone.locator(".verdict").first.bounding_box()

    assert box["y"] + box["height"] < PHONE["height"]
    assert phone.title() == f"{report[1]['name']}: how far it can be trusted"


def test_it_shows_its_pictures_and_charts(phone):
    widths = phone.evaluate("[...document.images].map(each => each.naturalWidth)")

    assert widths
    assert all(width > 0 for width in widths)
    assert phone.locator("svg").count() == 5


def test_nothing_is_fetched_and_nothing_goes_wrong(phone, file):
    assert {url for url in phone.asked if not url.startswith("data:")} == {file}
    assert phone.complaints == []


def test_charts_are_drawn_in_the_colour_of_the_text(phone):
    of_text, of_chart = (
        phone.evaluate(f"getComputedStyle(document.querySelector('{each}')).{colour}")
        for each, colour in (("body", "color"), ("svg text", "fill"))
    )

    assert of_chart == of_text
