"""Bundles that differ from the small one, and what is wrong with them."""

import json
import shutil

from inspector.bundle import MANIFEST, change_manifest, read_bundle, read_manifest


def copied(source, target, **fields):
    """A good bundle of another digest."""
    change_manifest(read_bundle(source), target, **fields)
    return target


def altered(source, target, change):
    """A bundle whose manifest says something else, whether that is so or not."""
    shutil.copytree(source, target)
    said = json.loads((target / MANIFEST).read_text())
    change(said)
    (target / MANIFEST).write_text(json.dumps(said))
    return target


def digest_of(path):
    return read_manifest(path)[1]


def with_other_golden_scores(said):
    for golden in said["golden"]:
        golden["score"] += 1.0


def with_another_input_size(said):
    said["input_size"] = [32, 32]
