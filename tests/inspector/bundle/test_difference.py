from inspector.bundle import read_manifest
from inspector.bundle.difference import caught_by_type, differences, facts


def test_a_bundle_does_not_differ_from_itself(small_bundle):
    manifest, _ = read_manifest(small_bundle)

    assert differences(manifest, manifest) == []


def test_every_fact_has_a_path(small_bundle):
    manifest, _ = read_manifest(small_bundle)

    said = facts(manifest)

    assert said["calibration.threshold"] == manifest.calibration.threshold
    assert said["anomaly_types[scratch].critical"] is True
    assert said["files.model.onnx"] == manifest.files["model.onnx"]
    assert said["left_out.scratch.caught"] == caught_by_type(manifest.calibration)["scratch"]


def test_what_changed_is_told_with_both_values_and_what_is_new_with_none(small_bundle):
    a, _ = read_manifest(small_bundle)
    scores = {"scratch": (1.0, 1e6), "spot": (1e6,)}
    b = a.model_copy(
        update={
            "anomaly_types": (a.anomaly_types[0].model_copy(update={"weight": 3.0}),),
            "calibration": a.calibration.model_copy(update={"threshold": 7.0, "critical_scores": scores}),
        }
    )

    found = {each.fact: (each.a, each.b) for each in differences(a, b)}

    assert found["calibration.threshold"] == (a.calibration.threshold, 7.0)
    assert found["anomaly_types[scratch].weight"] == (1.0, 3.0)
    assert found["left_out.spot.caught"] == (None, "1 of 1")
    assert found["left_out.scratch.caught"][1] == "1 of 2"
    assert not any(fact.startswith(("files", "golden")) for fact in found)
