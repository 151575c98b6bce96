"""How long a start takes: from the process's birth to its first verdict, and what the imports take of that.

    python -m tests.benchmarks.start BUNDLE [--runs 10] [--json FILE]

The daemon has a folder camera and the log sink. Files are in the page cache from the second run on; the first is left
out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from inspector.bench.report import machine
from inspector.bundle import GOLDEN
from tests.broker import free_port

CONFIG = """\
metrics: {{port: {port}}}
logging: {{format: json}}
sinks: [{{kind: log}}]
stations:
  - {{name: start, bundle: {bundle}, engine: {engine}, camera: {{kind: folder, path: {pictures}}}}}
"""
IMPORTS = ("pass", "import inspector", "import inspector.cli")
LOADED = "; import sys; print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
TARGET_S = 1.5


def first_verdict_s(config):
    """Seconds from the birth of the daemon's process to the log line with its first verdict."""
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "inspector.cli", "run", config], stderr=subprocess.PIPE, text=True
    )
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if line.startswith("{") and "inspection" in json.loads(line):
                return time.monotonic() - began_s
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    raise AssertionError("the daemon ended without a verdict:\n" + "".join(said))


def python_s(code):
    """Seconds that a Python process takes that does this and ends."""
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - began_s


def loaded(code):
    """Packages, other than Python's own, that are loaded after this."""
    done = subprocess.run([sys.executable, "-c", code + LOADED], check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split() if not name.startswith("_")]


def spread(seconds):
    """Of all but the first."""
    return {"median": statistics.median(seconds[1:]), "least": min(seconds[1:]), "most": max(seconds[1:])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    bundle = arguments.bundle.resolve()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "line.yaml"
        config.write_text(
            CONFIG.format(port=free_port(), bundle=bundle, engine=arguments.engine, pictures=bundle / GOLDEN)
        )
        record = {
            "machine": machine(),
            "target_s": TARGET_S,
            "first_verdict_s": spread([first_verdict_s(config) for _ in range(arguments.runs + 1)]),
            "python_s": {code: spread([python_s(code) for _ in range(arguments.runs + 1)]) for code in IMPORTS},
            "packages": {code: loaded(code) for code in IMPORTS},
        }
    for what, seconds in {"to the first verdict": record["first_verdict_s"], **record["python_s"]}.items():
        print(f"{what}: {seconds['median']:.2f} s ({seconds['least']:.2f} to {seconds['most']:.2f})")
    for code, packages in record["packages"].items():
        print(f"{code} loads {', '.join(packages) or 'nothing'}")
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
