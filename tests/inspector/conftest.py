import shutil

import pytest

from tests.bundles import copied


@pytest.fixture
def bundle_copy(small_bundle, tmp_path):
    return shutil.copytree(small_bundle, tmp_path / "bundle")


@pytest.fixture(scope="session")
def other_bundle(small_bundle, tmp_path_factory):
    return copied(small_bundle, tmp_path_factory.mktemp("other") / "bundle", name="plates, second edition")
