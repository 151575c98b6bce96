"""The lines of a hall on Kubernetes: as kustomize puts them together, and against Kubernetes' own schemas."""

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from inspector.config import read_config
from inspector.metrics_server import HEALTH_PATH

DEPLOY = Path(__file__).parents[2] / "deploy"
BASE = DEPLOY / "k8s" / "base"
HALL = DEPLOY / "k8s" / "hall"
LINES = [folder.name for folder in HALL.iterdir() if folder.is_dir()]

KUBERNETES = ("1.28", "1.33")
"""The oldest and the newest version that it is made for."""

KUSTOMIZE = re.compile(r"Kustomize Version: v(\d+)")
OLDEST_KUSTOMIZE = 5


def documents(text):
    return [each for each in yaml.safe_load_all(text) if each]


def resources_of_the_base():
    named = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    return [each for name in named for each in documents((BASE / name).read_text())]


def daemon_of(resources):
    """What the one Deployment says of its pod."""
    (daemon,) = [each for each in resources if each["kind"] == "Deployment"]
    return daemon["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def hall():
    """What ``kubectl apply --kustomize`` would hand over."""
    program = shutil.which("kubectl")
    version = subprocess.run([program or "false", "version", "--client"], capture_output=True, text=True, check=False)
    found = KUSTOMIZE.search(version.stdout)
    if not found or int(found[1]) < OLDEST_KUSTOMIZE:
        pytest.skip("needs a kubectl of Kubernetes 1.27 or newer, which Debian 12 has not")
    built = subprocess.run([program, "kustomize", HALL], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return documents(built.stdout)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("resource", resources_of_the_base(), ids=lambda each: each["kind"])
def test_kubernetes_knows_every_word_of_the_base(resource, version):
    kubernetes_validate.validate(resource, version, strict=True)


def test_the_schemas_find_a_word_that_kubernetes_does_not_know():
    everything = resources_of_the_base()
    daemon_of(everything)["containers"][0]["livenessProb"] = {}
    (daemon,) = [each for each in everything if each["kind"] == "Deployment"]

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(daemon, KUBERNETES[0], strict=True)


def test_everything_that_the_daemon_mounts_is_there():
    spec = daemon_of(resources_of_the_base())
    claims = {each["metadata"]["name"] for each in resources_of_the_base() if each["kind"] == "PersistentVolumeClaim"}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    (container,) = spec["containers"]

    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    claimed = [volume["persistentVolumeClaim"] for volume in volumes.values() if "persistentVolumeClaim" in volume]
    assert {each["claimName"] for each in claimed} == claims


def test_the_daemon_runs_without_a_right_as_the_images_user_and_is_asked_how_it_is():
    spec = daemon_of(resources_of_the_base())
    (container,) = spec["containers"]
    user = int(re.search(r"--uid (\d+)", (DEPLOY / "Dockerfile").read_text())[1])

    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsNonRoot"]) == (user, True)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": HEALTH_PATH, "port": "metrics"}


@pytest.mark.parametrize("line", LINES)
def test_the_daemon_accepts_each_lines_configuration_and_finds_its_files(line):
    config = read_config(HALL / line / "line.yaml")
    spec = daemon_of(resources_of_the_base())
    (container,) = spec["containers"]
    mounts = {Path(mount["mountPath"]) for mount in container["volumeMounts"]}
    (station,), (mqtt,) = config.stations, config.sinks

    assert Path(container["args"][1]) == Path("/etc/inspector/line.yaml")
    assert config.metrics.port == container["ports"][0]["containerPort"]
    for path in (station.bundle, config.record.folder, *(file for _, file in mqtt.tls)):
        assert mounts & set(path.parents)


def test_every_line_is_named():
    named = yaml.safe_load((HALL / "kustomization.yaml").read_text())["resources"]

    assert sorted(named) == sorted(["namespace.yaml", *LINES])


def test_the_lines_do_not_share_anything(hall):
    names = [(each["kind"], each["metadata"]["name"]) for each in hall]
    daemons = {each["metadata"]["labels"]["line"]: each for each in hall if each["kind"] == "Deployment"}

    assert len(names) == len(set(names))
    assert sorted(daemons) == sorted(LINES)
    for line, daemon in daemons.items():
        spec = daemon["spec"]["template"]["spec"]
        assert daemon["spec"]["selector"]["matchLabels"]["line"] == line
        assert spec["nodeSelector"] == {"kubernetes.io/hostname": f"{line}-pc"}
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes["broker"]["secret"]["secretName"] == f"{line}-broker"
        assert ("ConfigMap", volumes["configuration"]["configMap"]["name"]) in names
        for claim in ("state", "bundles"):
            assert volumes[claim]["persistentVolumeClaim"]["claimName"] == f"{line}-{claim}"


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_word_of_the_hall(hall, version):
    for resource in hall:
        kubernetes_validate.validate(resource, version, strict=True)
