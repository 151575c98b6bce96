import gzip
import json

import cv2
import numpy as np
import pytest

from inspector.errors import DataError
from tests.requirements import TEST_DATA, needs
from training.benchmark.fashion import AUXILIARY, BOOTS, NORMALS, draw
from training.benchmark.fashion_mnist import BOOT, DEBIAN, SNEAKER, Split, read_split
from training.benchmark.runs import best_accuracy, resumed
from training.cli import main


def a_split(n=6000):
    labels = (np.arange(n) % 10).astype(np.uint8)
    pictures = np.random.default_rng(0).integers(0, 255, (n, 28, 28)).astype(np.uint8)
    return Split(pictures, labels)


def test_the_split_is_the_sources():
    data = draw(a_split(8000), seed=0, boots=BOOTS)

    assert (len(data.normal), len(data.anomalies["boot"])) == (NORMALS, BOOTS)
    assert len(data.auxiliary) == 8
    assert AUXILIARY - 8 < sum(map(len, data.auxiliary.values())) <= AUXILIARY


def test_calibration_never_shares_a_picture_with_training():
    data = draw(a_split(8000), seed=3, boots=BOOTS)

    assert not {each.tobytes() for each in data.normal} & {each.tobytes() for each in data.held_out}


def test_without_the_boots_all_else_is_the_same():
    with_boots, without = (draw(a_split(), seed=1, boots=boots, share=0.1) for boots in (BOOTS, 0))

    assert without.anomalies == {}
    np.testing.assert_array_equal(with_boots.normal, without.normal)


def test_best_accuracy_equals_the_obvious_loop():
    rng = np.random.default_rng(0)
    normal, anomalous = rng.normal(size=30).astype(np.float32), rng.normal(1, 1, 40).astype(np.float32)

    tries = [((normal <= t).sum() + (anomalous > t).sum()) / 70 for t in np.r_[normal, anomalous]]

    assert best_accuracy(normal, anomalous) == pytest.approx(max(tries))


def test_finished_runs_are_not_made_again_unless_a_setting_changes(tmp_path):
    made = []

    def run(tags):
        made.append(tags["run"])
        if tags["run"] == 2 and len(made) == 3:
            raise KeyboardInterrupt
        return [{"auc": tags["run"] / 10}]

    runs, path = [{"run": i} for i in range(4)], tmp_path / "runs.jsonl"
    with pytest.raises(KeyboardInterrupt):
        resumed(path, {"a": 1}, runs, run)
    records = resumed(path, {"a": 1}, runs, run)
    assert made == [0, 1, 2, 2, 3]
    assert [each["auc"] for each in records] == [0.0, 0.1, 0.2, 0.3]

    resumed(path, {"a": 2}, runs, run)
    assert made[5:] == [0, 1, 2, 3]


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"short")[:-4])

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz.*apt-get install dataset-fashion-mnist"):
        read_split(tmp_path, "train")


def test_debians_files_are_read():
    needs(DEBIAN.exists(), "Fashion-MNIST (apt-get install dataset-fashion-mnist)")
    split = read_split(DEBIAN, "t10k")

    assert split.pictures.shape == (10_000, 28, 28)
    assert len(split.rows_of(SNEAKER)) == len(split.rows_of(BOOT)) == 1000


def check_results(folder, tests):
    results = json.loads((folder / "results.json").read_text())
    assert {each["test"] for each in results["records"]} == tests
    assert {each["distance"] for each in results["records"]} == {
        "euclidean", "mahalanobis", "knn", "lof", "cosine", "shipped",
    }  # fmt: skip
    assert {each["known"] > 0 for each in results["records"]} == {True, False}
    assert cv2.imread(str(folder / "auc.png")).std() > 5
    return results["records"]


def test_fashion_quick(tmp_path, capsys):
    needs(DEBIAN.exists(), "Fashion-MNIST (apt-get install dataset-fashion-mnist)")

    assert main(["benchmark", "fashion", "--quick", "--out", str(tmp_path)]) == 0

    records = check_results(tmp_path, {"boots"})
    shipped = {each["known"]: each["auc"] for each in records if each["distance"] == "shipped"}
    assert shipped[10] > 0.95
    assert shipped[10] > shipped[0]
    assert "0.93, one" in capsys.readouterr().out


def test_light_quick(tmp_path):
    needs((TEST_DATA / "food_cans").exists(), f"pictures in {TEST_DATA} (INSPECTOR_TEST_DATA)")
    folders = ["--data", str(TEST_DATA / "food_cans"), "--auxiliary", str(TEST_DATA / "cifar10_aux")]

    assert main(["benchmark", "light", "--quick", "--out", str(tmp_path), *folders]) == 0

    check_results(tmp_path, {"same type", "other types"})
