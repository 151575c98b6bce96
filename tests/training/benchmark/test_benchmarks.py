import gzip
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import numpy as np
import pytest

from inspector.errors import DataError
from tests.requirements import TEST_DATA, needs
from training.benchmark import fashion_mnist
from training.benchmark.fashion import AUXILIARY, BOOTS, NORMALS, draw
from training.benchmark.fashion_mnist import BOOT, DEBIAN, SNEAKER, Split, download, read_split
from training.benchmark.runs import best_accuracy, resumed
from training.cli import main

DAMAGED_GZIP = gzip.compress(bytes(1000))[:10] + b"\xff" * 20
LABELS_GZIP = gzip.compress(b"\0\0\x08\x01 labels, not pictures")


def a_split(n=6000):
    labels = (np.arange(n) % 10).astype(np.uint8)
    pictures = np.random.default_rng(0).integers(0, 255, (n, 28, 28)).astype(np.uint8)
    return Split(pictures, labels)


def test_the_split_is_the_sources():
    data = draw(a_split(8000), seed=0, boots=BOOTS)

    assert (len(data.normal), len(data.anomalies["boot"])) == (NORMALS, BOOTS)
    assert len(data.auxiliary) == 8
    assert sum(map(len, data.auxiliary.values())) == AUXILIARY == 4500


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


def test_runs_go_on_after_a_line_that_was_cut_off(tmp_path):
    runs, path = [{"run": i} for i in range(3)], tmp_path / "runs.jsonl"
    resumed(path, {}, runs, lambda tags: [tags])
    path.write_text(path.read_text()[:-5])
    made = []

    records = resumed(path, {}, runs, lambda tags: made.append(tags) or [tags])

    assert made == [{"run": 2}]
    assert records == runs == resumed(path, {}, runs, pytest.fail)


@pytest.mark.parametrize("content", [b"no gzip", DAMAGED_GZIP, LABELS_GZIP], ids=["no gzip", "damaged", "labels"])
def test_files_that_are_not_the_data_set_are_refused(tmp_path, content):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz"):
        read_split(tmp_path, "train")


class Address:
    """Serves files at an address on this machine, and remembers what was asked for."""

    def __init__(self, files):
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200 if self.path in files else 404)
                self.end_headers()
                self.wfile.write(files.get(self.path, b""))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def published(monkeypatch):
    """An address that holds the four files, small ones, under their digests."""
    files = {f"/{name}": gzip.compress(name.encode()) for name in fashion_mnist.SHA256}
    address = Address(files)
    digests = {name[1:]: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(fashion_mnist, "SHA256", digests)
    monkeypatch.setattr(fashion_mnist, "ADDRESS", address.url)
    yield files, address
    address.server.shutdown()


def test_download_fetches_what_is_not_there_already(published, tmp_path):
    files, address = published
    folder = tmp_path / "new" / "folder"

    download(folder)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged since")
    download(folder)

    assert {f"/{path.name}": path.read_bytes() for path in folder.iterdir()} == files
    assert sorted(address.asked) == sorted([*files, "/t10k-labels-idx1-ubyte.gz"])


def test_download_keeps_nothing_that_differs_from_what_was_published(published, tmp_path):
    files, _ = published
    files["/train-images-idx3-ubyte.gz"] += b"!"

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: not the file that was published"):
        download(tmp_path)
    assert not (tmp_path / "train-images-idx3-ubyte.gz").exists()


def test_download_says_what_it_could_not_fetch_or_write(published, tmp_path):
    files, _ = published
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="give --data another folder"):
        download(tmp_path / "file")
    files.clear()
    with pytest.raises(DataError, match=r"train-images.*HTTP Error 404"):
        download(tmp_path)


@pytest.mark.parametrize("number", ["0", "-1", "ten"])
def test_the_number_of_runs_is_at_least_one(number, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["benchmark", "fashion", f"--runs={number}"])
    assert f"--runs: {number}: give 1 or more" in capsys.readouterr().err


def test_debians_files_are_read():
    needs(DEBIAN.exists(), "Fashion-MNIST (apt-get install dataset-fashion-mnist)")
    split = read_split(DEBIAN, "t10k")

    assert split.pictures.shape == (10_000, 28, 28)
    assert len(split.rows_of(SNEAKER)) == len(split.rows_of(BOOT)) == 1000


DISTANCES = {"euclidean", "mahalanobis", "knn", "lof", "cosine", "shipped"}
PARTS = {"mahalanobis of pooled", "patches"}
EVIDENCE = {"discriminant of pooled", "known_patches", "known"}


def check_results(folder, tests, distances, evidence=frozenset()):
    results = json.loads((folder / "results.json").read_text())
    assert {each["test"] for each in results["records"]} == tests
    assert {each["distance"] for each in results["records"] if each["known"]} == distances | evidence
    assert {each["distance"] for each in results["records"] if not each["known"]} == distances
    assert cv2.imread(str(folder / "auc.png")).std() > 5
    return results["records"]


def test_fashion_quick(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    needs(DEBIAN.exists(), "Fashion-MNIST (apt-get install dataset-fashion-mnist)")

    assert main(["benchmark", "fashion", "--quick", "--out", str(tmp_path)]) == 0

    records = check_results(tmp_path, {"boots"}, DISTANCES | PARTS, EVIDENCE)
    shipped = {each["known"]: each["auc"] for each in records if each["distance"] == "shipped"}
    assert shipped[10] > 0.95
    assert shipped[10] > shipped[0]
    printed = capsys.readouterr().out
    assert "0.93, one run 0.65; 90 %" in printed
    assert "0.99; 97 %" in printed


def test_light_quick(tmp_path):
    needs((TEST_DATA / "food_cans").exists(), f"pictures in {TEST_DATA} (INSPECTOR_TEST_DATA)")
    folders = ["--data", str(TEST_DATA / "food_cans"), "--auxiliary", str(TEST_DATA / "cifar10_aux")]

    assert main(["benchmark", "light", "--quick", "--out", str(tmp_path), *folders]) == 0

    check_results(tmp_path, {"same type", "other types"}, DISTANCES)
