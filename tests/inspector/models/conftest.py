import shutil

import pytest

from inspector.bundle import MODEL
from tests.bundles import copied


@pytest.fixture(scope="session")
def other_bundle(small_bundle, tmp_path_factory):
    return copied(small_bundle, tmp_path_factory.mktemp("other") / "bundle", name="plates, second edition")


@pytest.fixture
def corrupt_bundle(small_bundle, tmp_path):
    folder = shutil.copytree(small_bundle, tmp_path / "corrupt")
    model = folder / MODEL
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    return folder
