import shutil

from inspector.doctor.bundles import look_at_bundles
from inspector.doctor.findings import Mark
from inspector.engine_choice import ready_bundle
from inspector.models import Store
from inspector.models.pointer import Pointer, PointerFile
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


def test_what_was_deployed_is_looked_at_beside_what_the_configuration_names(tmp_path, small_bundle, other_bundle):
    subject = a_subject(tmp_path, small_bundle, models={"folder": str(tmp_path / "models")})
    store = Store(tmp_path / "models")
    digest = store.add(other_bundle)
    PointerFile(tmp_path / "models", "press-1").write(Pointer(current=digest, configured=str(small_bundle)))

    assert marks(look_at_bundles(subject)) == {
        "press-1: bundle that was deployed": Mark.GOOD,
        "press-1: bundle": Mark.GOOD,
    }
    (store.path(digest) / "model.onnx").write_bytes(b"")
    assert "checksum" in the_bad(look_at_bundles(subject)).says
    PointerFile(tmp_path / "models", "press-1").path.write_text("{")
    assert "cannot be read" in the_bad(look_at_bundles(subject)).says


def test_a_station_without_a_model_is_unclear(tmp_path):
    subject = a_subject(tmp_path, None, models={"folder": str(tmp_path / "models")})

    assert marks(look_at_bundles(subject)) == {"press-1: bundle": Mark.UNCLEAR}
