"""The operator's page in front of a real daemon, and people with browsers of their own."""

import pytest
from playwright.sync_api import expect

from tests.browser import chromium
from tests.page import PASSWORDS, PagedLine


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def line(tmp_path_factory, small_bundle):
    with PagedLine(tmp_path_factory.mktemp("line"), small_bundle) as running:
        yield running


@pytest.fixture
def person(browser, line):
    """Opens a browser of one's own, logged in; ends with no error in any console."""
    contexts, errors = [], []

    def open_page(name=None, **options):
        context = browser.new_context(base_url=line.url, locale="en-GB", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.goto("/")
        if name:
            log_in(page, name)
        return page

    open_page.errors = errors
    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def log_in(page, name, password=None):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password or PASSWORDS[name])
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def post(page, address, **form):
    """As a form would; the status."""
    csrf = page.locator("header input[name=csrf]").get_attribute("value")
    return page.request.post(address, form={"csrf": csrf, **form}, max_redirects=0).status
