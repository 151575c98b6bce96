from inspector.doctor import processor
from inspector.doctor.findings import Mark
from inspector.doctor.processor import look_at_processor
from tests.inspector.doctor.subjects import a_subject, marks, the_bad


def test_processor_and_engine_are_named(tmp_path):
    findings = {finding.about: finding for finding in look_at_processor(a_subject(tmp_path))}

    assert findings.keys() == {"processor", "engine onnxruntime"}
    assert "cores" in findings["processor"].says
    assert "onnxruntime 1." in findings["engine onnxruntime"].says
    assert findings["engine onnxruntime"].mark is Mark.GOOD


def test_an_engine_that_is_not_installed_is_told(tmp_path):
    told = the_bad(look_at_processor(a_subject(tmp_path, engine="tensorrt")))

    assert told.about == "engine tensorrt"
    assert "onnxruntime-gpu" in told.advice


def test_a_processor_without_wide_instructions_is_slow_and_not_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "WIDE", ("none of these",))

    assert marks(look_at_processor(a_subject(tmp_path)))["processor"] is Mark.UNCLEAR
