from importlib.util import find_spec

import pytest

from inspector.errors import ConfigError, DataError
from tests.parts import good_parts, scratched_parts, write_parts
from training.benchmark.sets import find_sets
from training.demo import cells


@pytest.fixture
def folder(tmp_path):
    """Two sets, of which one has masks, and a folder that is none."""
    for number, name in enumerate(("rods", "plates")):
        write_parts(tmp_path / name / "normal", good_parts(3, seed=10 * number))
        write_parts(tmp_path / name / "scratch", scratched_parts(2, seed=10 * number + 1))
    write_parts(tmp_path / "plates" / "_masks" / "scratch", scratched_parts(2))
    write_parts(tmp_path / "others" / "cats", good_parts(2, seed=7))
    return tmp_path


def test_without_names_every_folder_with_normals_is_a_set(folder):
    plates, rods = find_sets(folder, [])

    assert (plates.name, rods.name) == ("plates", "rods")
    assert plates.root == folder / "plates"
    assert [path.name for path in plates.normal] == ["part-000.png", "part-001.png", "part-002.png"]
    assert {name: len(own) for name, own in plates.anomalies.items()} == {"scratch": 2}


def test_named_sets_come_in_the_order_of_their_names(folder):
    assert [each.name for each in find_sets(folder, ["rods", "plates"])] == ["rods", "plates"]


def test_a_set_that_is_not_there_is_said_with_those_that_are(folder):
    with pytest.raises(DataError, match=r"no set 'plate' in .*; there are: plates, rods"):
        find_sets(folder, ["rods", "plate"])


def test_a_folder_without_sets_is_said(folder):
    for empty in (folder / "others", folder / "nowhere"):
        with pytest.raises(DataError, match=f"{empty}: no folder below it holds a folder 'normal'; correct --data"):
            find_sets(empty, [])


def test_a_set_without_anomalies_has_nothing_to_test(folder):
    write_parts(folder / "sheets" / "normal", good_parts(3, seed=5))

    with pytest.raises(DataError, match="sheets: no anomaly type"):
        find_sets(folder, [])


def test_pictures_that_cannot_be_read_are_named(folder):
    (folder / "rods" / "scratch" / "part-000.png").write_bytes(b"torn")

    with pytest.raises(DataError, match=r"rods/scratch/part-000\.png"):
        find_sets(folder, [])


def test_elpv_is_mono_and_poly_together_from_its_package(tmp_path, monkeypatch):
    kinds = [("mono", 0.0), ("poly", 0.0), ("mono", 1.0), ("poly", 1.0), ("mono", 0.33)]
    by_kind = {kind: [tmp_path / f"cell{10 * n + i}.png" for i in range(2)] for n, kind in enumerate(kinds, start=1)}
    monkeypatch.setattr(cells, "shuffled_by_kind", lambda: by_kind)

    (elpv,) = find_sets(tmp_path / "nowhere", ["elpv"])

    assert elpv.normal == tuple(sorted([*by_kind["mono", 0.0], *by_kind["poly", 0.0]]))
    assert elpv.anomalies == {"defect": tuple(sorted([*by_kind["mono", 1.0], *by_kind["poly", 1.0]]))}


def test_elpv_without_its_package_is_said(tmp_path, monkeypatch):
    def missing():
        raise ModuleNotFoundError("elpv_dataset")

    monkeypatch.setattr(cells, "shuffled_by_kind", missing)

    with pytest.raises(ConfigError, match=r"elpv-dataset is not installed; pip install 'line-inspector\[demo\]'"):
        find_sets(tmp_path, ["elpv"])


@pytest.mark.skipif(not find_spec("elpv_dataset"), reason="needs elpv-dataset (pip install elpv-dataset)")
def test_the_real_elpv_is_read(tmp_path):
    (elpv,) = find_sets(tmp_path, ["elpv"])

    assert (len(elpv.normal), len(elpv.anomalies["defect"])) == (1508, 715)
    assert elpv.normal[0].exists()
