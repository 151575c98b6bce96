import json
import shutil

import numpy as np
import pytest

from tests.parts import good_parts, scratched_parts, spotted_parts, write_parts
from training.cli import main


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A set with mistakes in it: two scratched parts among the good ones, and good ones among the dents."""
    folder = tmp_path_factory.mktemp("unseen")
    write_parts(folder / "normal", np.concatenate([good_parts(30, seed=31), scratched_parts(2, seed=34)]), "good")
    write_parts(folder / "scratch", scratched_parts(12, seed=32), "scratched")
    write_parts(folder / "dent <b>", np.concatenate([spotted_parts(6, seed=33), good_parts(3, seed=35)]), "dent")
    return folder


@pytest.fixture(scope="session")
def calibrated(small_bundle, tmp_path_factory):
    """A bundle with a promise, a band and a model."""
    folder = tmp_path_factory.mktemp("calibrated")
    bundle = shutil.copytree(small_bundle, folder / "bundle")
    write_parts(folder / "held-out", good_parts(80, seed=36))
    asked = ("--max-false-reject", "0.5%", "--review", "10%", "--model", "tail")
    assert main(["calibrate", str(bundle), "--normals", str(folder / "held-out"), *asked]) == 0
    return bundle


@pytest.fixture(scope="session")
def report(calibrated, data, tmp_path_factory):
    """The page as text, and the figures."""
    folder = tmp_path_factory.mktemp("report")
    page, figures = folder / "page.html", folder / "figures.json"
    assert main(["report", str(calibrated), "--data", str(data), "--output", str(page), "--json", str(figures)]) == 0
    return page.read_text(encoding="utf-8"), json.loads(figures.read_text())
