import shutil

import pytest


@pytest.fixture
def bundle_copy(small_bundle, tmp_path):
    return shutil.copytree(small_bundle, tmp_path / "bundle")
