"""What a test needs from the machine: missing parts skip at home and fail in CI."""

import os
from pathlib import Path

import pytest

TEST_DATA = Path(os.environ.get("INSPECTOR_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
"""Folder of real pictures, ``<set>/normal/*`` and ``<set>/<defect type>/*``."""


def needs(condition: object, what: str) -> None:
    """Skip this test at home, fail it in CI, unless ``condition`` holds. ``what`` says what to install."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks {what}")
    pytest.skip(f"needs {what}")
