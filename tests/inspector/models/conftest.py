import shutil

import pytest

from inspector.bundle import MODEL


@pytest.fixture
def corrupt_bundle(small_bundle, tmp_path):
    folder = shutil.copytree(small_bundle, tmp_path / "corrupt")
    model = folder / MODEL
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    return folder
