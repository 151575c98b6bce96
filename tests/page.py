"""A line with its operator's page: the real daemon and the real page, each in a process of its own."""

import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request

from inspector.bundle import change_manifest, read_bundle
from inspector.models import Store
from inspector.pictures import encode_png
from tests.broker import free_port, wait_until
from tests.parts import SIZE, good_parts, scratched_parts, write_parts

CONFIG = """\
metrics: {{port: {metrics_port}}}
record: {{folder: {folder}/records}}
archive: {{folder: {folder}/archive, keep_passes: 1, min_free_bytes: 0}}
ui: {{folder: {folder}/ui, port: {port}{ui}}}
control: {{socket: {folder}/control.sock}}
models: {{folder: {folder}/models}}
sinks: [{{kind: log}}]
stations:
"""
STATION = """\
  - name: {name}
    {bundle}
    camera: {camera}
    alarms: {{consecutive_fails: 3}}
"""

TRAINING = f"""\
name: plates, refitted
output: out
data:
  root: set
  anomalies: {{scratch: {{weight: 2}}}}
network:
  {{backbone: light, weights: none, input_size: [{SIZE}, {SIZE}], levels: [8], patch_levels: [8], train: head}}
batch_size: 16
trainer: {{max_epochs: 2}}
false_reject_rate: 0.05
"""
TRAINED_MS = 120_000

PASSWORDS = {"vera": "look but do not touch", "otto": "see to the alarms", "erna": "change what is done"}
ROLES = {"vera": "viewer", "otto": "operator", "erna": "engineer"}


def write_training(folder):
    """A set of pictures, and ``plates.yaml``: what a model of a line is trained by."""
    write_parts(folder / "set" / "normal", good_parts(60), "normal")
    write_parts(folder / "set" / "scratch", scratched_parts(5), "scratch")
    (folder / "plates.yaml").write_text(TRAINING)


def training_in(folder):
    """Of the page's settings: press-1 is trained by ``plates.yaml`` of this folder, with the program of these tests."""
    program = folder / "train"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m training.cli "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    configs = f"configs: {{press-1: {folder}/plates.yaml}}"
    return f"training: {{folder: {folder}/learning, command: {program}, {configs}}}"


class PagedLine:
    """``show`` puts a part before the camera, ``url`` is that of the page.

    Without ``bundle`` the station has no model yet. ``cameras`` are others, by station; ``ui`` is more of the page's
    settings, as YAML; ``trusted`` a certificate by which the page is then known.
    """

    def __init__(self, folder, bundle, cameras=None, ui="", trusted=None):
        self.folder, self.bundle, self.port = folder, bundle, free_port()
        self.trust = ssl.create_default_context(cafile=trusted) if trusted else None
        self.url = f"{'https' if trusted else 'http'}://127.0.0.1:{self.port}"
        self.pictures = folder / "pictures"
        self.pictures.mkdir(parents=True)
        self.config = folder / "line.yaml"
        cameras = cameras or {"press-1": f"{{kind: folder, path: {self.pictures}, mode: watch}}"}
        own = f"bundle: {bundle}" if bundle else ""
        stations = [STATION.format(name=name, bundle=own, camera=camera) for name, camera in cameras.items()]
        config = CONFIG.format(metrics_port=free_port(), folder=folder, port=self.port, ui=ui and f", {ui}")
        self.config.write_text(config + "".join(stations))
        self.processes = {}
        self._shown = 0

    def start(self, what):
        """``run`` is the daemon, ``ui`` the page."""
        with (self.folder / f"{what}.log").open("a") as output:
            self.processes[what] = subprocess.Popen(
                [sys.executable, "-m", "inspector.cli", what, self.config], stdout=output, stderr=output
            )

    def stop(self, what):
        process = self.processes.pop(what)
        process.terminate()
        return process.wait(10)

    def log(self, what):
        return (self.folder / f"{what}.log").read_text()

    def manage(self, *words, said=""):
        """``inspector accounts``."""
        command = [sys.executable, "-m", "inspector.cli", "accounts", self.config, *words]
        return subprocess.run(command, input=said, text=True, check=True, capture_output=True).stdout

    def add_accounts(self):
        for name, password in PASSWORDS.items():
            self.manage("add", name, "--role", ROLES[name], "--password-stdin", said=password)

    def add_model(self, folder, name):
        """The line's own model under another name, into the store. Both digests, its own first."""
        bundle = read_bundle(self.bundle)
        change_manifest(bundle, folder, name=name)
        return bundle.digest, Store(self.folder / "models").add(folder)

    def show(self, name, *, scratched=False):
        """A picture that arrives as from another machine: whole at once."""
        (part,) = scratched_parts(1, seed=self._shown) if scratched else good_parts(1, seed=self._shown)
        self._shown += 1
        unfinished = self.folder / "unfinished.png"
        unfinished.write_bytes(encode_png(part))
        unfinished.rename(self.pictures / f"{name}.png")

    def _answers(self):
        assert self.processes["ui"].poll() is None, self.log("ui")
        try:
            return urllib.request.urlopen(f"{self.url}/health", timeout=5, context=self.trust).status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def __enter__(self):
        self.add_accounts()
        self.start("run")
        self.start("ui")
        wait_until(self._answers, "the page")
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
