"""Wheels of a program in the daemon's place: small and quick to install, and as good or bad as a test needs."""

import base64
import hashlib
import zipfile

CLI = """\
import sys
from pathlib import Path

def main():
    command, *words = sys.argv[1:]
    if command == "--version":
        print("{version}")
    elif command == "doctor":
        print("doctor {version} at", *words)
        sys.exit("red" in Path(words[0]).read_text())
    elif command == "check":
        sys.exit({takes!r} not in Path(words[0]).read_text())
"""


def write_wheel(folder, version, takes="line"):
    """Of ``line-inspector`` in that version, which takes the configurations that hold the word ``takes``."""
    folder.mkdir(parents=True)
    info = f"line_inspector-{version}.dist-info"
    files = {
        "inspector/__init__.py": "",
        "inspector/cli.py": CLI.format(version=version, takes=takes),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: line-inspector\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ninspector = inspector.cli:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},{_hash(text)},\n" for name, text in files.items()) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"line_inspector-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder


def _hash(text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.decode().rstrip('=')}"
