import logging
from dataclasses import replace

import numpy as np
import pytest

from inspector import engine_choice, engine_record
from inspector.bundle import read_bundle, read_manifest
from inspector.engine_choice import ROUNDS, WARM_UP, Wish, medians, ready_bundle
from inspector.engines import Engine
from inspector.errors import BundleError, ConfigError
from tests.inspector.bundle.changes import add_int8, another_graph, change_manifest
from tests.parts import SIZE

ONE_OR_THE_OTHER = Wish("onnxruntime", "auto", threads=1)
FLOAT32, INT8 = Engine(threads=1), Engine(precision="int8", threads=1)


@pytest.fixture
def bundle(bundle_copy):
    """Holds an 8-bit network, so that there is a choice with any engine."""
    add_int8(bundle_copy)
    return bundle_copy


@pytest.fixture
def stopwatch(monkeypatch):
    """Says how many milliseconds each engine takes, and notes which were measured."""
    return Stopwatch(monkeypatch, {FLOAT32: 9.0, INT8: 4.0})


class Stopwatch:
    def __init__(self, monkeypatch, times_ms):
        self.times_ms = times_ms
        self.measured = []
        monkeypatch.setattr(engine_choice, "medians", self)

    def __call__(self, bundles):
        self.measured.append(list(bundles))
        return {engine: self.times_ms[engine] for engine in bundles}


def file_of(bundle):
    return bundle.with_name("bundle.engine.json")


def spoil_a_golden_score(bundle):
    golden = read_manifest(bundle)[0].model_dump(mode="json")["golden"]
    golden[0]["score"] += 1
    change_manifest(bundle, golden=golden)


class TestCandidates:
    @pytest.fixture
    def both(self, bundle):
        return read_manifest(bundle)[0]

    @pytest.fixture
    def can_run(self, monkeypatch):
        monkeypatch.setattr(engine_choice, "can_run", lambda kind: kind != "cuda")

    def test_what_is_named_is_the_only_one(self, both):
        assert Wish("tensorrt", "int8", 3, (0,)).candidates(both) == [Engine("tensorrt", "int8", 3, (0,))]

    def test_auto_takes_all_that_can_run_here_but_never_8_bits_unasked(self, both, can_run):
        assert [str(each) for each in Wish("auto").candidates(both)] == ["onnxruntime float32", "openvino float32"]

    def test_auto_takes_both_precisions_where_the_bundle_has_both(self, both, can_run):
        assert [str(each) for each in Wish("auto", "auto").candidates(both)] == [
            "onnxruntime float32",
            "onnxruntime int8",
            "openvino float32",
            "openvino int8",
        ]

    def test_a_bundle_without_8_bits_has_one_precision(self, small_bundle):
        manifest, _ = read_manifest(small_bundle)

        assert Wish("onnxruntime", "auto").candidates(manifest) == [Engine()]


def test_what_is_named_is_not_measured(small_bundle, stopwatch):
    assert ready_bundle(small_bundle, Wish(threads=1)).engine == FLOAT32
    assert stopwatch.measured == []


def test_a_bundle_that_does_not_judge_as_it_did_is_not_ready(bundle):
    spoil_a_golden_score(bundle)

    with pytest.raises(BundleError, match="golden picture"):
        ready_bundle(bundle, Wish(threads=1))


def test_the_quickest_is_taken_and_the_log_says_why_in_one_line(bundle, stopwatch, caplog):
    caplog.set_level(logging.INFO)

    assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == INT8

    (message,) = caplog.messages
    assert str(bundle) in message
    assert "onnxruntime int8 is the quickest here" in message
    assert "onnxruntime int8 4.00 ms, onnxruntime float32 9.00 ms" in message


def test_it_is_measured_once(bundle, stopwatch):
    ready_bundle(bundle, ONE_OR_THE_OTHER)
    stopwatch.times_ms = {FLOAT32: 1.0, INT8: 2.0}

    assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == INT8
    assert stopwatch.measured == [[FLOAT32, INT8]]
    assert {path.name for path in bundle.parent.iterdir()} == {"bundle", "bundle.engine.json"}


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("installed", {"onnxruntime": "9.9"}),
        ("usable_cores", (0, 1, 2, 3, 4, 5, 6)),
        ("_processor", "another processor"),
    ],
)
def test_it_is_measured_again_on_another_machine(bundle, stopwatch, monkeypatch, what, value):
    ready_bundle(bundle, ONE_OR_THE_OTHER)
    monkeypatch.setattr(engine_record, what, lambda: value)
    ready_bundle(bundle, ONE_OR_THE_OTHER)

    assert len(stopwatch.measured) == 2


def test_it_is_measured_again_for_another_bundle_and_the_old_choice_is_forgotten(bundle, stopwatch):
    ready_bundle(bundle, ONE_OR_THE_OTHER)
    change_manifest(bundle, name="another")
    ready_bundle(bundle, ONE_OR_THE_OTHER)

    assert len(stopwatch.measured) == 2
    assert file_of(bundle).read_text().count('"engine"') == 1


def test_stations_of_one_bundle_with_other_threads_each_have_their_choice(bundle, stopwatch):
    stopwatch.times_ms |= {replace(FLOAT32, threads=2): 3.0, replace(INT8, threads=2): 5.0}
    two_threads = replace(ONE_OR_THE_OTHER, threads=2)

    for _ in range(2):
        assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == INT8
        assert ready_bundle(bundle, two_threads).engine == replace(FLOAT32, threads=2)

    assert len(stopwatch.measured) == 2


def test_a_candidate_that_judges_otherwise_is_out_and_it_is_said(bundle, stopwatch, caplog):
    caplog.set_level(logging.INFO)
    add_int8(bundle, another_graph(bundle))

    assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == FLOAT32
    assert stopwatch.measured == [[FLOAT32]]
    assert "; onnxruntime int8 is out: " in caplog.text
    assert "golden picture" in caplog.text


def test_a_candidate_that_cannot_run_here_is_out(bundle, stopwatch, monkeypatch):
    """As a GPU build of ONNX Runtime is on a machine without a GPU."""

    def read(path, engine):
        if engine == INT8:
            raise ConfigError("the GPU's driver cannot be loaded")
        return read_bundle(path, engine)

    monkeypatch.setattr(engine_choice, "read_bundle", read)

    assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == FLOAT32


def test_without_any_that_judges_as_it_did_there_is_one_error_with_all_reasons(bundle):
    spoil_a_golden_score(bundle)

    with pytest.raises(BundleError, match="no engine can run it here") as refused:
        ready_bundle(bundle, ONE_OR_THE_OTHER)

    assert "by onnxruntime float32" in str(refused.value)
    assert "by onnxruntime int8" in str(refused.value)


@pytest.mark.parametrize("damaged", [b"", b"{", b"\xff", b'{"choices": [{}]}', b'{"surprise": 1}'])
def test_a_damaged_file_is_measured_again(bundle, stopwatch, caplog, damaged):
    file_of(bundle).write_bytes(damaged)

    assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == INT8
    assert "bundle.engine.json: cannot be used" in caplog.text
    assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == INT8
    assert len(stopwatch.measured) == 1


def test_where_nothing_can_be_written_it_says_so_and_measures_at_each_start(bundle, stopwatch, caplog):
    file_of(bundle).mkdir()

    for _ in range(2):
        assert ready_bundle(bundle, ONE_OR_THE_OTHER).engine == INT8

    assert "bundle.engine.json: cannot be written" in caplog.text
    assert len(stopwatch.measured) == 2
    assert {path.name for path in bundle.parent.iterdir()} == {"bundle", "bundle.engine.json"}


def test_a_bundle_may_be_named_by_a_link(bundle, stopwatch, tmp_path):
    (tmp_path / "current").symlink_to(bundle)

    ready_bundle(tmp_path / "current", ONE_OR_THE_OTHER)

    assert file_of(bundle).exists()


def test_candidates_take_turns_on_the_golden_pictures(small_bundle):
    turns = []

    class Noting:
        input_size = (SIZE, SIZE)

        def __init__(self, engine):
            self.engine = engine

        def embed(self, pictures):
            assert pictures.shape == (1, SIZE, SIZE, 3)
            assert pictures.dtype == np.uint8
            turns.append(self.engine)

    bundle = read_bundle(small_bundle)
    bundles = {engine: replace(bundle, embedder=Noting(engine)) for engine in (FLOAT32, INT8)}

    times_ms = medians(bundles)

    assert turns == [FLOAT32, INT8] * (WARM_UP + ROUNDS)
    assert times_ms.keys() == {FLOAT32, INT8}
    assert all(ms >= 0 for ms in times_ms.values())
