"""The page in a real browser, as wide as a phone."""

import html
import json
import re
import shutil
import subprocess

import pytest

from tests.requirements import needs

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

PHONE = """<!doctype html>
<iframe style="width: 360px; height: 740px; border: 0" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector("iframe")
frame.addEventListener("load", () => {{
  const inside = frame.contentDocument, root = inside.documentElement
  document.title = JSON.stringify({{
    width: root.scrollWidth, room: root.clientWidth,
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map(each => each.name.slice(0, 5)),
    pictures: [...inside.images].map(each => each.naturalWidth), charts: inside.querySelectorAll("svg").length,
    title: inside.title, verdict: inside.querySelector(".verdict").getBoundingClientRect().bottom,
  }})
}})
</script>"""
"""Scripts run outside of the page only; a browser's window is never as narrow as a phone, a frame can be."""


@pytest.fixture(scope="module")
def seen(report, tmp_path_factory):
    needs(CHROMIUM, "Chromium (apt-get install chromium)")
    folder = tmp_path_factory.mktemp("browser")
    (folder / "phone.html").write_text(PHONE.format(page=html.escape(report[0])), encoding="utf-8")
    command = [CHROMIUM, *QUIET, "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}"]
    shown = subprocess.run(
        [*command, "--virtual-time-budget=10000", "--dump-dom", (folder / "phone.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = html.unescape(re.search(r"<title>(.*?)</title>", shown.stdout, re.DOTALL)[1])
    return json.loads(said), shown.stderr


def test_it_is_no_wider_than_a_phone(seen):
    figures, _ = seen

    assert figures["width"] <= figures["room"] <= 360


def test_it_shows_its_pictures_and_charts(seen, report):
    figures, _ = seen

    assert figures["title"] == f"{report[1]['name']}: how far it can be trusted"
    assert figures["charts"] == 5
    assert figures["pictures"]
    assert all(width > 0 for width in figures["pictures"])


def test_the_promise_is_on_the_first_screen(seen):
    assert seen[0]["verdict"] < 740


def test_nothing_is_fetched_and_no_error_is_logged(seen):
    figures, log = seen

    assert set(figures["fetched"]) <= {"data:"}
    assert "CONSOLE" not in log
