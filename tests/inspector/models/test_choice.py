import pytest

from inspector.bundle import read_bundle
from inspector.errors import BundleError
from inspector.models import ModelSettings, Store
from inspector.models.choice import first_bundle
from inspector.models.pointer import Pointer, PointerFile


@pytest.fixture
def models(tmp_path):
    return ModelSettings(folder=tmp_path / "models")


def first(small_bundle, models):
    return first_bundle("press-1", small_bundle, models, read_bundle)


def test_without_a_store_or_a_deployment_it_is_that_of_the_configuration(small_bundle, models):
    assert first(small_bundle, None).path == small_bundle
    assert first(small_bundle, models).path == small_bundle


def test_what_was_deployed_last_comes_first_even_if_the_configurations_is_gone(other_bundle, models, tmp_path):
    digest = Store(models.folder).add(other_bundle)
    PointerFile(models.folder, "press-1").write(Pointer(current=digest, configured=str(tmp_path / "gone")))

    assert first(tmp_path / "gone", models).digest == digest


def test_a_bundle_that_the_configuration_names_since_comes_before_that(small_bundle, other_bundle, models):
    digest = Store(models.folder).add(other_bundle)
    PointerFile(models.folder, "press-1").write(Pointer(current=digest, configured="/bundles/old"))

    assert first(small_bundle, models).path == small_bundle


def test_where_neither_is_there_is_no_model(models):
    assert first(None, models) is None
    assert first(None, None) is None


def test_what_was_deployed_judges_where_the_configuration_names_none(other_bundle, models):
    digest = Store(models.folder).add(other_bundle)
    PointerFile(models.folder, "press-1").write(Pointer(current=digest))

    assert first(None, models).digest == digest


def damage_pointer(models, digest):
    PointerFile(models.folder, "press-1").path.write_text("{")


def damage_bundle(models, digest):
    (Store(models.folder).path(digest) / "model.onnx").write_bytes(b"")


def change_bundle(models, digest):
    manifest = Store(models.folder).path(digest) / "bundle.json"
    manifest.write_text(manifest.read_text() + "\n")


@pytest.mark.parametrize("damage", [damage_pointer, damage_bundle, change_bundle])
def test_what_is_damaged_is_said_and_the_configurations_judges(small_bundle, other_bundle, models, caplog, damage):
    digest = Store(models.folder).add(other_bundle)
    PointerFile(models.folder, "press-1").write(Pointer(current=digest, configured=str(small_bundle)))
    damage(models, digest)

    assert first(small_bundle, models).path == small_bundle
    assert "the bundle of the configuration judges instead" in caplog.text


def test_a_damaged_one_leaves_no_model_where_the_configuration_names_none(other_bundle, models, caplog):
    digest = Store(models.folder).add(other_bundle)
    PointerFile(models.folder, "press-1").write(Pointer(current=digest))
    damage_bundle(models, digest)

    assert first(None, models) is None
    assert "no model judges instead" in caplog.text


def test_where_the_configurations_is_no_good_either_that_is_a_mistake(models, tmp_path):
    with pytest.raises(BundleError, match="gone"):
        first(tmp_path / "gone", models)
