import shutil

from inspector.doctor.bundles import look_at_bundles
from inspector.doctor.findings import Mark
from inspector.engine_choice import ready_bundle
from tests.inspector.doctor.subjects import a_subject, marks, the_bad


def test_a_good_bundle_is_good_and_its_recipes_too(tmp_path, small_bundle):
    subject = a_subject(tmp_path, small_bundle, station={"recipes": {"lid": str(small_bundle)}})

    assert marks(look_at_bundles(subject)) == {
        "press-1: bundle": Mark.GOOD,
        "press-1: bundle of recipe lid": Mark.GOOD,
    }


def test_a_damaged_or_missing_bundle_is_told(tmp_path, small_bundle):
    damaged = tmp_path / "damaged"
    shutil.copytree(small_bundle, damaged)
    (damaged / "model.onnx").write_bytes(b"")

    assert "checksum" in the_bad(look_at_bundles(a_subject(tmp_path, damaged))).says
    assert "no whole bundle" in the_bad(look_at_bundles(a_subject(tmp_path, tmp_path / "missing"))).says


def test_auto_is_unclear_until_it_was_measured_and_the_doctor_does_not_measure(tmp_path, small_bundle):
    bundle = tmp_path / "bundle"
    shutil.copytree(small_bundle, bundle)
    subject = a_subject(tmp_path, bundle, engine="auto")

    before = marks(look_at_bundles(subject))
    assert before == {"press-1: bundle": Mark.GOOD, "press-1: bundle: engine": Mark.UNCLEAR}
    assert not bundle.with_name("bundle.engine.json").exists()

    (station,) = subject.config.stations
    ready_bundle(bundle, subject.config.wish_of(station))
    assert marks(look_at_bundles(subject)) == {"press-1: bundle": Mark.GOOD}
