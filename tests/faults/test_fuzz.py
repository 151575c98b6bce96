from tests.faults.fuzz import fuzz


def test_a_small_version_meets_every_kind_of_refusal():
    said = fuzz(2000, seed=2)

    assert said["trigger"] + said["command"] == 2000
    assert min(said[each] for each in ("bad_trigger", "unknown_recipe", "overrun", "duplicate_trigger")) > 0
    assert said["acknowledged"] > 0
    assert said["commands carried out"] > 0
