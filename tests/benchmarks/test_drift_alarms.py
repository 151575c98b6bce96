from inspector.drift import DriftSettings
from tests.benchmarks.drift_alarms import alarms


def test_alarms_are_as_rare_as_they_may_be():
    assert alarms(DriftSettings(window=60), references=3, parts=3000, normals=80) == 0


def test_where_chance_may_raise_them_they_are_counted():
    loose = DriftSettings(window=60, psi=1e-6, shift=1e-6, false_alarms=1e6)

    assert alarms(loose, references=3, parts=3000, normals=80) > 0
