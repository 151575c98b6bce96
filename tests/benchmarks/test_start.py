import pytest

from tests.benchmarks.start import CONFIG, first_verdict_s, loaded, spread
from tests.broker import free_port
from tests.parts import good_parts, write_parts


def test_the_first_verdict_is_waited_for(tmp_path, small_bundle):
    write_parts(tmp_path / "parts", good_parts(1))
    config = tmp_path / "line.yaml"
    config.write_text(
        CONFIG.format(port=free_port(), bundle=small_bundle, engine="onnxruntime", pictures=tmp_path / "parts")
    )

    assert first_verdict_s(config) > 0


def test_a_daemon_that_ends_without_a_verdict_is_told_with_what_it_said(tmp_path):
    with pytest.raises(AssertionError, match=r"nowhere\.yaml: cannot be read"):
        first_verdict_s(tmp_path / "nowhere.yaml")


def test_what_an_import_loads_is_told_without_pythons_own():
    assert loaded("import json, inspector") == ["inspector"]


def test_the_first_run_fills_the_page_cache_and_does_not_count():
    assert spread([9.0, 1.0, 3.0, 2.0]) == {"median": 2.0, "least": 1.0, "most": 3.0}
