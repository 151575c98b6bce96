"""Draws the README's pictures of the operator's page: ``python -m tests.page_pictures FOLDER``.

A model is trained on a simulated packing line, three stations judge others of its parts, and a browser looks at them on
a wall, a tablet and a phone. It takes some minutes.
"""

import argparse
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser import chromium
from tests.page import PASSWORDS, PagedLine

CAPTURE = """\
stations:
  - name: trays
    bundle: nowhere
    camera: {kind: simulator, seed: 1, rate_hz: 40, defects: {metal_fragment: 0.1, burnt: 0.1}}
"""
TRAINING = """\
name: trays
output: {folder}/trained
data:
  root: {folder}/pictures
  anomalies: {{metal_fragment: {{weight: 10, critical: true}}, burnt: {{weight: 1}}}}
trainer: {{max_epochs: 3, accelerator: cpu}}
"""
DEFECTS = "defects: {metal_fragment: 0.03, burnt: 0.03, hair: 0}"
NO_DEFECTS = "defects: {metal_fragment: 0, burnt: 0, hair: 0}"
SCREENS = {"wall": (1920, 1080), "tablet": (1024, 768), "phone": (390, 844)}
WATCHED_S = 90
LONG = {"threshold", "learn", "part", "first-day"}
"""Pages that are shown whole."""


def trained(folder):
    """A bundle that knows two of the line's defects."""
    (folder / "capture.yaml").write_text(CAPTURE)
    command("capture", folder / "capture.yaml", "--station", "trays", "--to", folder / "pictures", "--label", "truth",
            "--count", "260", "--min-difference", "0")  # fmt: skip
    (folder / "training.yaml").write_text(TRAINING.format(folder=folder))
    command("fit", folder / "training.yaml", program="training.cli")
    return folder / "trained" / "bundle"


def command(*words, program="inspector.cli"):
    subprocess.run([sys.executable, "-m", program, *map(str, words)], check=True)


def cameras(defects):
    return {
        f"oven-{number}": f"{{kind: simulator, seed: {number + 10}, rate_hz: 2, {defects}}}" for number in range(1, 4)
    }


def look(browser, line, output):
    for screen in SCREENS:
        with logged_in(browser, line, screen) as page:
            if screen == "wall":
                page.wait_for_timeout(WATCHED_S * 1000)  # until there is something to see
                refit(page)
            for name, address in addresses(page).items():
                page.goto(address)
                take(page, output, name, screen)


def look_at_first_day(browser, line, output):
    """No station has a model, and one is on the way to its first."""
    for screen in SCREENS:
        with logged_in(browser, line, screen) as page:
            page.goto("/learn/oven-1")
            if screen == "wall":
                page.get_by_role("button", name="Collect good parts").click()
                page.wait_for_timeout(WATCHED_S * 1000)
            take(page, output, "first-day", screen)


@contextmanager
def logged_in(browser, line, screen):
    """The live page with pictures of all stations, as an engineer sees it."""
    width, height = SCREENS[screen]
    context = browser.new_context(
        base_url=line.url, locale="en-GB", viewport={"width": width, "height": height}, color_scheme=scheme(screen)
    )
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Name").fill("erna")
    page.get_by_label("Password").fill(PASSWORDS["erna"])
    page.locator("main").get_by_role("button", name="Log in").click()
    page.locator("[data-station] img").nth(2).wait_for()
    yield page
    context.close()


def take(page, output, name, screen):
    page.wait_for_timeout(1500)
    page.screenshot(path=output / f"{name}-{screen}.jpg", type="jpeg", quality=82, full_page=name in LONG)


def refit(page):
    """Label three rejects, rightly or not, and have the model refitted."""
    page.goto("/parts?show=rejects&station=oven-1")
    for part in [each.get_attribute("href") for each in page.locator("#strip a").all()[:3]]:
        page.goto(part)
        page.get_by_label("Type of anomaly").select_option("burnt")
        page.get_by_role("button", name="Rightly rejected").click()
        page.locator(".label .badge").wait_for()
    page.goto("/learn/oven-1")
    page.get_by_role("button", name="Refit with these labels").click()
    page.get_by_role("button", name="Deploy").wait_for(timeout=300_000)


def addresses(page):
    page.goto("/parts?show=rejects&station=oven-1")
    part = page.locator("#strip a").first.get_attribute("href")
    return {
        "live": "/",
        "parts": "/parts?show=rejects&station=oven-1",
        "part": part,
        "why": f"{part}/why",
        "threshold": "/threshold/oven-1",
        "learn": "/learn/oven-1",
        "report": "/report?station=oven-1",
        "models": "/models",
    }


def scheme(screen):
    return "dark" if screen == "wall" else "light"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder of the pictures")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, chromium() as browser:
        bundle = trained(Path(folder))
        program = Path(sys.executable).with_name("inspector-train")
        training = f"{{folder: {folder}/learning, configs: {{oven-1: {folder}/training.yaml}}, command: {program}}}"
        with PagedLine(Path(folder, "line"), bundle, cameras(DEFECTS), f"training: {training}") as line:
            look(browser, line, output)
        with PagedLine(Path(folder, "new"), None, cameras(NO_DEFECTS), f"training: {training}") as line:
            look_at_first_day(browser, line, output)


if __name__ == "__main__":
    main()
