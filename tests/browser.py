"""A real Chromium, without a screen, driven by Playwright."""

import shutil
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.requirements import needs

AXE = Path(__file__).parents[1] / "build" / "node" / "node_modules" / "axe-core" / "axe.min.js"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def chromium():
    """A browser; ``new_context`` of it is a person with a browser of their own."""
    needs(CHROMIUM, "chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def findings(page):
    """What axe-core holds to be serious or critical (WCAG 2.2 A and AA)."""
    needs(AXE.exists(), "axe-core (npm install --prefix build/node axe-core)")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(({violations, passes}) => ({violations, passes: passes.length}))")
    assert found["passes"]
    grave = [each for each in found["violations"] if each["impact"] in {"serious", "critical"}]
    return [f"{each['id']}: {node['html']}" for each in grave for node in each["nodes"]]
