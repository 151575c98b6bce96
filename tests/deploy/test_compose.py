"""The compose file, as far as it can be judged without a container engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from inspector.config import read_config
from inspector.doctor.brokers import look_at_brokers
from inspector.doctor.findings import Mark, Subject
from inspector.doctor.running import Running
from tests.broker import MOSQUITTO, Broker
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


def secrets(service):
    """Of each secret, where the container finds it."""
    for secret in service.get("secrets", []):
        named = {"source": secret} if isinstance(secret, str) else secret
        yield named["source"], named.get("target", f"/run/secrets/{named['source']}")


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
    assert dict(secrets(service)).keys() <= COMPOSE["secrets"].keys()
    passwords = [name for name in service.get("environment", {}) if "PASSWORD" in name]
    assert all(name.endswith("__FILE") for name in passwords)


@per_service
def test_named_volumes_are_declared(service):
    named = {source for source, _ in mounts(service) if not source.startswith(".")}
    assert named <= COMPOSE["volumes"].keys()


def made_by_hand(reference):
    return Path(reference).parts[0] in MADE_BY_HAND


@pytest.mark.parametrize("reference", [each for each in references() if not made_by_hand(each)])
def test_every_referenced_file_is_here(reference):
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


@pytest.mark.parametrize(
    ("service", "program"), [("prometheus", "prometheus"), ("alertmanager", "prometheus-alertmanager")]
)
def test_the_real_program_knows_every_option_that_it_is_given(service, program):
    found = shutil.which(program)
    needs(found, f"{program} (Debian: apt-get install {program})")
    known = subprocess.run([found, "--help"], capture_output=True, text=True, check=False)

    for option in SERVICES[service]["command"]:
        assert f"{option.split('=')[0]}=" in known.stdout + known.stderr


def test_the_broker_finds_every_file_that_its_configuration_names():
    (conf,) = [
        source for source, target in mounts(SERVICES["mosquitto"]) if target == "/mosquitto/config/mosquitto.conf"
    ]
    named = re.findall(r"^\w+ (/\S+)$", (DEPLOY / conf).read_text(), re.MULTILINE)
    there = {target for _, target in (*mounts(SERVICES["mosquitto"]), *secrets(SERVICES["mosquitto"]))}

    assert named
    assert {name.rstrip("/") for name in named} <= there


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder ``deploy`` after the README's commands have made what is made on the machine."""
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")
    if os.geteuid():
        pytest.skip("only root can give the secrets to the containers' users")
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(DEPLOY, folder / "deploy", ignore=shutil.ignore_patterns(*MADE_BY_HAND, "certificates"))
    section = (DEPLOY / "README.md").read_text().split("\n## With compose\n")[1]
    commands = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[1]
    script = f'set -e\nsudo() {{ "$@"; }}\n{commands}'
    subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True)
    return folder / "deploy"


def test_the_readme_makes_what_is_not_here_and_no_secret_is_for_everybody(prepared):
    made = {source: prepared / secret["file"] for source, secret in COMPOSE["secrets"].items()}

    assert [each for each in references() if not (prepared / each).exists()] == []
    assert (prepared / "secrets").stat().st_mode & 0o777 == 0o700
    (broker,) = {int(SERVICES["mosquitto"]["user"].split(":")[0])}
    (daemon,) = {int(uid) for uid in re.findall(r"--uid (\d+)", DOCKERFILE)}
    for name, owner in {"broker.key": broker, "access": broker, "press-1.key": daemon}.items():
        assert (made[name].stat().st_uid, made[name].stat().st_mode & 0o777) == (owner, 0o400)


def test_the_daemon_gets_in_with_what_the_readme_made(prepared, tmp_path):
    """Broker and daemon with their own configurations; only the containers' paths and names are this machine's."""
    conf = (prepared / "mosquitto" / "plant.conf").read_text().replace("listener 8883\n", "")
    for source, target in secrets(SERVICES["mosquitto"]):
        conf = conf.replace(f" {target}\n", f" {prepared / 'secrets' / source}\n")
    conf = conf.replace("/var/lib/mosquitto/", f"{tmp_path}/")
    line = (prepared / "inspector" / "line.yaml").read_text().replace("/run/secrets/", f"{prepared}/secrets/")
    with Broker(tmp_path / "broker", conf) as broker:
        file = tmp_path / "line.yaml"
        file.write_text(
            line.replace("host: mosquitto", "host: localhost").replace("port: 8883", f"port: {broker.port}")
        )
        found = list(look_at_brokers(Subject(str(file), read_config(file), Running({}))))

    assert len(found) == 4
    assert {finding.mark for finding in found} == {Mark.GOOD}
