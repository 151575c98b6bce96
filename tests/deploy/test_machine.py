"""The shipped units in a real systemd: the daemon inside its sandbox, with a camera, both CPU engines, and TLS."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from playwright.sync_api import expect

from inspector.errors import EXIT_CONFIG
from tests.broker import MOSQUITTO, Subscriber, free_port, wait_until
from tests.browser import chromium
from tests.end_to_end.conftest import log_in, post
from tests.machine import a_machine
from tests.page import TRAINED_MS, write_training
from tests.parts import good_parts, write_parts
from tests.plant import Plant
from tests.requirements import needs

SOURCE = Path(__file__).parents[2]
UNIT = "inspector@line-1.service"

CONFIG = """\
metrics: {{port: {metrics_port}}}
record: {{folder: /var/lib/inspector/records}}
control: {{socket: /run/inspector/{line}/control.sock}}
archive: {{folder: /var/lib/inspector/archive, keep_passes: 1, pass_days: {pass_days}, min_free_bytes: 0}}
stations:
  - name: {station}
    engine: {engine}
    bundle: /var/lib/inspector/bundles/plates
    camera: {{kind: folder, path: /srv/pictures, rate_hz: 10}}
sinks:
  - kind: mqtt
    port: {port}
    tls:
      ca_file: /etc/inspector/plant-ca.pem
      cert_file: /etc/inspector/{station}.pem
      key_file: /run/credentials/inspector@{line}.service/{station}.key
"""
PAGE = """\
models: {{folder: /var/lib/inspector/models}}
ui:
  folder: /var/lib/inspector/ui
  port: {port}
  training: {{folder: /var/lib/inspector/learning, configs: {{press-3: /srv/training/plates.yaml}}}}
"""
CREDENTIAL = """\
[Service]
LoadCredential={station}.key:/etc/inspector/secrets/{station}.key
"""

LENT = {SOURCE: "/opt/source", sysconfig.get_path("purelib"): "/opt/packages"}
"""What trains, and all that it needs: gigabytes, which nobody copies."""

TRAINING_PROGRAM = """\
#!/bin/sh
PYTHONPATH=/opt/source:/opt/packages exec /opt/inspector/venv/bin/python -P -m training.cli "$@"
"""

HANGS_SOON = """\
[Service]
WatchdogSec=3s
RestartSec=0
"""

PROBE = """\
import ctypes, json, mmap, os, socket

def may(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return False
    return True

def call(number, *arguments):
    if ctypes.CDLL(None, use_errno=True).syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno())

may_do = {
    "write where it runs from": may(open, "/opt/inspector/probe", "w"),
    "write its configuration": may(open, "/etc/inspector/probe", "w"),
    "write its state": may(open, "/var/lib/inspector/probe", "w"),
    "write its cache": may(open, os.environ["XDG_CACHE_HOME"] + "/probe", "w"),
    "make a control socket": may(socket.socket(socket.AF_UNIX).bind, "/run/inspector/probe/control"),
    "see other homes": may(os.listdir, "/root"),
    "read a secret that is not its own": may(open, "/etc/inspector/secrets/press-1.key"),
    "make code": may(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "send raw packets": may(socket.socket, socket.AF_PACKET, socket.SOCK_RAW),
    "make a namespace": may(call, 272, 0x10000000),
    "pin a thread to a core": may(os.sched_setaffinity, 0, os.sched_getaffinity(0)),
    "set the clock": may(call, 227, 0, ctypes.create_string_buffer(16)),
}
print(json.dumps(may_do))
"""

IN_ITS_PLACE = """\
[Service]
Type=oneshot
Restart=no
ExecStart=
ExecStart=/opt/inspector/venv/bin/python /opt/inspector/probe.py
"""

MAY = {"write its state", "write its cache", "make a control socket", "pin a thread to a core"}


class LinePc:
    """The machine with the daemon installed, on the plant's network."""

    def __init__(self, machine, plant, port):
        self.machine = machine
        self.plant = plant
        self.port = port

    def install(self, wheels, bundle):
        for name in ("deploy", "systemd"):
            shutil.copytree(SOURCE / name, self.machine.root / "src" / name)
        shutil.copytree(wheels, self.machine.root / "src" / "wheels")
        self.machine.command("/src/deploy/install.sh", "--wheels", "/src/wheels")
        shutil.copytree(bundle, self.machine.root / "var/lib/inspector/bundles/plates")
        write_parts(self.machine.root / "srv/pictures", good_parts(9))

    def add(self, line, station, engine, pass_days=30, more=""):
        """A line of one station, not started. ``more`` of its configuration, as YAML."""
        tls, write = self.plant.tls("station", station), self.machine.write
        write("/etc/inspector/plant-ca.pem", tls.ca_file.read_text())
        write(f"/etc/inspector/{station}.pem", tls.cert_file.read_text())
        write(f"/etc/inspector/secrets/{station}.key", tls.key_file.read_text(), mode=0o600)
        write(f"/etc/systemd/system/inspector@{line}.service.d/site.conf", CREDENTIAL.format(station=station))
        text = CONFIG.format(
            line=line,
            station=station,
            engine=engine,
            pass_days=pass_days,
            port=self.port,
            metrics_port=free_port(),
        )
        write(f"/etc/inspector/{line}.yaml", text + more)
        self.machine.command("systemctl", "daemon-reload")

    def wait_for_verdict(self, station, bundle=None):
        """The first that comes, by that bundle."""
        subscriber = Subscriber(self.port, f"inspector/{station}/result", tls=self.plant.context("reader", "historian"))
        try:
            subscriber.wait(lambda: verdict_in(subscriber, bundle), f"a verdict of {station}")
            return verdict_in(subscriber, bundle)
        finally:
            subscriber.close()


def verdict_in(subscriber, bundle):
    return next((each for each in subscriber.of("result") if bundle in {None, each["bundle"]}), None)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The package and all that it needs, as a site without a network would carry it in."""
    folder = tmp_path_factory.mktemp("wheels")
    constraints = SOURCE / ".ci" / "constraints.txt"
    make = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder, "--constraint", constraints]
    made = subprocess.run([*make, f"{SOURCE}[openvino,ui]"], capture_output=True, text=True, check=False)
    needs(made.returncode == 0, f"a package index, or pip's cache of it: {made.stderr}")
    return folder


@pytest.fixture(scope="module")
def line_pc(tmp_path_factory, wheels, small_bundle):
    """Its line-1 runs, by ONNX Runtime."""
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")
    plant = Plant(tmp_path_factory.mktemp("plant"))
    with plant.broker() as broker, a_machine(LENT) as machine:
        line_pc = LinePc(machine, plant, broker.port)
        line_pc.install(wheels, small_bundle)
        line_pc.add("line-1", "press-1", "onnxruntime")
        machine.command("systemctl", "start", UNIT)
        yield line_pc


@pytest.fixture
def machine(line_pc):
    return line_pc.machine


def test_judges_and_says_so_over_tls(line_pc, machine):
    assert line_pc.wait_for_verdict("press-1")["outcome"] == "PASS"
    assert machine.property(UNIT, "ActiveState") == "active"
    assert machine.property(UNIT, "StatusText")
    assert machine.property(UNIT, "NRestarts") == "0"


def test_runs_as_nobody_in_particular_without_a_right(machine):
    status = machine.command("cat", f"/proc/{machine.property(UNIT, 'MainPID')}/status")
    fields = dict(row.split(":\t", 1) for row in status.splitlines() if ":\t" in row)

    assert "0" not in fields["Uid"].split()
    assert int(fields["CapBnd"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_the_sandbox_keeps_out_what_it_should_and_nothing_else(machine):
    """A probe in the daemon's place, under the same unit."""
    machine.write("/opt/inspector/probe.py", PROBE)
    machine.write("/etc/systemd/system/inspector@probe.service.d/probe.conf", IN_ITS_PLACE)
    machine.command("systemctl", "daemon-reload")
    machine.command("systemctl", "start", "inspector@probe.service")
    said = machine.command("journalctl", "-u", "inspector@probe", "-o", "cat", "--identifier", "python")

    assert {what for what, may in json.loads(said).items() if may} == MAY


def test_a_reload_takes_a_changed_configuration_without_a_new_start(machine):
    before = machine.property(UNIT, "MainPID")
    text = (machine.root / "etc/inspector/line-1.yaml").read_text()
    machine.write("/etc/inspector/line-1.yaml", text.replace("rate_hz: 10", "rate_hz: 5"))

    machine.command("systemctl", "reload", UNIT)
    said = ["journalctl", "-u", UNIT, "-o", "cat"]
    wait_until(lambda: "reload by SIGHUP" in machine.command(*said), "the daemon to say that it has read it")
    wait_until(lambda: machine.property(UNIT, "ActiveState") == "active", "the line to be ready again")
    assert machine.property(UNIT, "MainPID") == before
    assert machine.property(UNIT, "NRestarts") == "0"


def test_comes_back_after_it_was_killed_and_after_it_hung(machine):
    machine.write(f"/etc/systemd/system/{UNIT}.d/watchdog.conf", HANGS_SOON)
    machine.command("systemctl", "daemon-reload")
    for signal, restarts in (("SIGKILL", 1), ("SIGSTOP", 2)):
        machine.command("systemctl", "kill", "--signal", signal, UNIT)
        wait_until(lambda n=restarts: machine.property(UNIT, "NRestarts") == str(n), f"restart after {signal}")
        wait_until(lambda: machine.property(UNIT, "ActiveState") == "active", "the line to run again")


def test_a_mistake_is_said_once_and_not_tried_again(machine):
    machine.write("/etc/inspector/wrong.yaml", "stations: []\n")
    machine.command("systemctl", "start", "inspector@wrong.service", check=False)

    assert machine.property("inspector@wrong.service", "ActiveState") == "failed"
    assert machine.property("inspector@wrong.service", "ExecMainStatus") == str(EXIT_CONFIG)
    assert machine.property("inspector@wrong.service", "NRestarts") == "0"
    assert "there are no stations" in machine.command("journalctl", "-u", "inspector@wrong", "-o", "cat")
    machine.command("rm", "/etc/inspector/wrong.yaml")


def test_retention_takes_away_what_the_daemon_wrote_and_nothing_else(line_pc, machine):
    """Under a unit of its own, as the user that systemd makes for the daemon, by the same configuration."""
    count = ["find", "/var/lib/inspector/archive/press-1", "-name", "*.pass.jpg"]
    wait_until(lambda: machine.command(*count, check=False).count(".jpg") >= 3, "three pictures")
    machine.command("systemctl", "stop", UNIT)

    line_pc.add("line-1", "press-1", "onnxruntime", pass_days=1)
    machine.command("systemctl", "start", "inspector-retention@line-1.service")
    assert ".jpg" in machine.command(*count)
    line_pc.add("line-1", "press-1", "onnxruntime", pass_days=1e-7)
    machine.command("systemctl", "start", "inspector-retention@line-1.service")
    assert ".jpg" not in machine.command(*count)
    machine.command("systemctl", "start", UNIT)


def test_an_upgrade_brings_openvino_with_its_drop_in_without_which_it_does_not_run(line_pc, machine):
    before = machine.property(UNIT, "MainPID")
    said = machine.command("/src/deploy/install.sh", "--wheels", "/src/wheels", "--extras", "openvino,ui", check=False)
    assert "is installed" in said
    assert machine.property(UNIT, "ActiveState") == "active"
    assert machine.property(UNIT, "MainPID") not in {before, "0"}

    line_pc.add("line-2", "press-2", "openvino")
    machine.command("systemctl", "start", "inspector@line-2.service")
    assert line_pc.wait_for_verdict("press-2")["outcome"] == "PASS"
    machine.command("systemctl", "stop", "inspector@line-2.service")
    machine.write("/etc/systemd/system/inspector@line-2.service.d/z.conf", "[Service]\nMemoryDenyWriteExecute=yes\n")
    machine.command("systemctl", "daemon-reload")
    machine.command("systemctl", "start", "inspector@line-2.service", check=False)
    assert machine.property("inspector@line-2.service", "ExecMainStatus") == str(EXIT_CONFIG)


@pytest.fixture
def page_address(line_pc, machine):
    """Of line-3's page, which trains; with the password of its engineer, Erna."""
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    needs(f"{version}." in machine.command("python3", "--version"), f"{version} as /usr/bin/python3")
    port, unit = free_port(), "inspector-ui@line-3.service"
    line_pc.add("line-3", "press-3", "onnxruntime", more=PAGE.format(port=port))
    write_training(machine.root / "srv/training")
    machine.write("/srv/inspector-train", TRAINING_PROGRAM, mode=0o755)
    machine.command("cp", "/srv/inspector-train", "/opt/inspector/venv/bin")
    drop_in = ["/src/systemd/drop-ins/page-training.conf", f"/etc/systemd/system/{unit}.d/page-training.conf"]
    machine.command("install", "-D", "--mode", "644", *drop_in)
    machine.command("systemctl", "daemon-reload")
    as_the_daemon = ["--property=DynamicUser=yes", "--property=User=inspector", "--property=StateDirectory=inspector"]
    add = ["accounts", "/etc/inspector/line-3.yaml", "add", "erna", "--role", "engineer"]
    run = ["systemd-run", "--pipe", "--quiet", *as_the_daemon, "/opt/inspector/venv/bin/inspector"]
    password = machine.command(*run, *add).split()[-1]
    machine.command("systemctl", "start", "inspector@line-3.service", unit)
    yield f"http://127.0.0.1:{port}", password
    machine.command("systemctl", "stop", unit, "inspector@line-3.service")
    assert machine.property(unit, "Result") == "success"


def test_the_page_trains_a_model_and_hands_it_over(line_pc, machine, page_address):
    """In a unit of its own, with its drop-in; what trains is lent, not installed."""
    address, password = page_address
    part = line_pc.wait_for_verdict("press-3")

    with chromium() as browser:
        page = browser.new_context(base_url=address, locale="en-GB").new_page()
        page.goto("/")
        log_in(page, "erna", password)
        assert post(page, f"/parts/press-3/{part['id']}/label", says="missed", new_type="scratch", weight="2") == 303
        page.goto("/learn/press-3")
        page.get_by_role("button", name="Refit with these labels").click()
        programs = ["ps", "-C", "python", "-o", "cls="]
        wait_until(lambda: "IDL" in machine.command(*programs, check=False), "training that gives way")
        deploy = page.get_by_role("button", name="Deploy")
        expect(deploy).to_be_visible(timeout=TRAINED_MS)
        (digest,) = machine.command("ls", "/var/lib/inspector/models/bundles").split()
        page.get_by_label("Compare it first").fill("3")
        deploy.click()
        page.wait_for_url("**/models")

    assert line_pc.wait_for_verdict("press-3", digest)["outcome"] == "PASS"


def test_the_doctor_finds_the_running_line_sound(machine):
    """It comes as root, who sees the unit's credentials, and owns nothing that the daemon writes."""
    doctor = ["/opt/inspector/venv/bin/inspector", "doctor", "/etc/inspector/line-1.yaml", "--json"]
    findings = {each["about"]: each for each in json.loads(machine.command(*doctor, check=False))["findings"]}

    assert {about for about, each in findings.items() if each["mark"] == "bad"} <= {"clock"}
    for about in ("press-1: mqtt", "press-1: camera", "record: /var/lib/inspector/records", "control socket"):
        assert findings[about]["mark"] == "good"
    assert findings["inspector@line-1.service"]["mark"] == "unclear", "nobody has enabled it"


def test_stops_at_once_and_takes_nothing_along(machine):
    machine.command("systemctl", "stop", UNIT)

    assert machine.property(UNIT, "Result") == "success"
    verify = ["/opt/inspector/venv/bin/inspector", "records", "verify", "/var/lib/inspector/records"]
    assert "press-1.sqlite: good" in machine.command(*verify)


def test_removal_leaves_what_was_written_and_can_be_repeated(machine):
    for _ in range(2):
        machine.command("/src/deploy/install.sh", "--remove")

    assert machine.property(UNIT, "LoadState") == "not-found"
    machine.command("test", "-e", "/var/lib/inspector/records/press-1.sqlite", "-a", "-e", "/etc/inspector/line-1.yaml")
