"""The compose file, as far as it can be judged without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.requirements import needs

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
MADE_BY_HAND = {line.strip("/\n") for line in (DEPLOY / ".gitignore").read_text().splitlines() if line[0] == "/"}
"""Folders that only exist on the machine that runs the line."""

per_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def mounts(service):
    """Source and target of each mount, whichever way it is written."""
    for mount in service.get("volumes", []):
        yield (mount["source"], mount["target"]) if isinstance(mount, dict) else mount.split(":")[:2]


def references():
    """Every file or folder of the host that the compose file names."""
    for service in SERVICES.values():
        yield from (source for source, _ in mounts(service) if source.startswith("."))
    yield from (secret["file"] for secret in COMPOSE["secrets"].values())


@per_service
def test_is_published_on_the_loopback_address_only(service):
    assert service["ports"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@per_service
def test_the_image_is_pinned(service):
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])


@per_service
def test_has_no_privileges_and_starts_again(service):
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"


@per_service
def test_secrets_come_from_files(service):
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
    passwords = [name for name in service.get("environment", {}) if "PASSWORD" in name]
    assert all(name.endswith("__FILE") for name in passwords)


@per_service
def test_named_volumes_are_declared(service):
    named = {source for source, _ in mounts(service) if not source.startswith(".")}
    assert named <= COMPOSE["volumes"].keys()


@pytest.mark.parametrize("reference", list(references()))
def test_every_referenced_file_is_here_or_made_by_the_readme(reference):
    folder = Path(reference).parts[0]
    if folder in MADE_BY_HAND:
        assert reference.removeprefix("./") in (DEPLOY / "README.md").read_text()
    else:
        assert (DEPLOY / reference).exists()


def test_the_image_is_built_from_files_that_are_here_and_sent_to_the_engine():
    build = SERVICES["inspector"]["build"]
    sent = {line.removeprefix("!") for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()}

    assert (DEPLOY / build["context"] / build["dockerfile"]) == DEPLOY / ".." / "deploy" / "Dockerfile"
    for names in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in names.split():
            assert (DEPLOY / build["context"] / name).exists()
            assert name in sent


def test_the_image_is_pinned_bare_and_not_run_by_root():
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.12-slim"}
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["inspector"]
    assert "pip install --no-cache-dir .\n" in DOCKERFILE


def test_prometheus_knows_every_option_that_it_is_given():
    program = shutil.which("prometheus")
    needs(program, "prometheus (Debian: apt-get install prometheus)")
    known = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)

    for option in SERVICES["prometheus"]["command"]:
        assert f"{option.split('=')[0]}=" in known.stdout + known.stderr
