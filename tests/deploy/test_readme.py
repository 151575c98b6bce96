"""The instructions can be pasted: every command block parses, every file that is named exists."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
README = (DEPLOY / "README.md").read_text()
PAGES = {name: (DEPLOY / name).read_text() for name in ("README.md", "BUS.md")}
BLOCKS = [
    block for page in PAGES.values() for block in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "sh"])
def test_the_shell_understands_every_command(block):
    parsed = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)

    assert (parsed.returncode, parsed.stderr) == (0, "")


@pytest.mark.parametrize("block", [text for language, text in BLOCKS if language == "yaml"])
def test_every_example_of_a_configuration_is_yaml(block):
    assert isinstance(yaml.safe_load(block), dict)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    titles = re.findall(r"^#+ (.+)$", PAGES[page], re.MULTILINE)
    headings = {f"#{title.lower().replace(' ', '-')}" for title in titles}
    links = re.findall(r"\]\(([^)]+)\)", PAGES[page])

    assert links
    assert all(link in headings or (DEPLOY / link).exists() for link in links)


def test_the_unit_is_installed_from_where_it_is():
    assert all((DEPLOY.parent / path).exists() for path in re.findall(r" (systemd/\S+)", README))


def test_whoever_listens_does_so_by_the_programs_of_the_broker_that_runs():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    assert re.findall(r"eclipse-mosquitto:\S+", README) == [compose["services"]["mosquitto"]["image"]]
