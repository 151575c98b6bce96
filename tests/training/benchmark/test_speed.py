import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.errors import ConfigError, DataError
from tests.parts import (
    PARTS_WITH_EVIDENCE,
    frozen_network,
    good_parts,
    scratched_parts,
    small_config,
    spotted_parts,
    write_parts,
)
from training.benchmark import speed, speed_models
from training.benchmark.peer import PEER_PYTHON
from training.benchmark.sets import find_sets
from training.benchmark.speed import TIMING
from training.benchmark.speed_models import EXPORT, Model
from training.benchmark.speed_sets import SIZE, digest, divide, timed_pictures
from training.benchmark.speed_table import BEGIN, END, NOTES, Row, headings, markdown, rows_of, written_between
from training.benchmark.speed_turns import SETUP_OPENVINO, Ratio, Turn, Worker, take_turns
from training.cli import main
from training.config import DataSettings

PYTHON = Path(sys.executable)
NORMALS, SCRATCHES, SPOTS = 50, 8, 5
CONFIG = small_config(
    network=frozen_network(),
    scorers=PARTS_WITH_EVIDENCE,
    data=DataSettings(root="unused"),
    trainer={"max_epochs": 1},
    int8=True,
)

PEER = """
import json, sys
import cv2
import numpy as np

pictures = {}

def about():
    return {"precisions": ["float32"], "processor": "a pocket calculator ", "versions": {"anomalib": "2.7.0"}}

def load(model, file, precision, pictures):
    assert open(file).read() == "graph", file
    globals()["pictures"][model] = np.load(pictures)

def time(model, stage, rows, limit_s):
    assert stage == "map", stage
    return [1000.0 + pictures[model][row % len(pictures[model])].mean() / 1000 for row in rows]

def score(model, files):
    return [float(cv2.imread(file).std()) for file in files]

for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps({"answer": globals()[question.pop("do")](**question)}), flush=True)
"""
"""anomalib's end of the conversation: very slow, and right about what is abnormal."""

EXPORTER = """
import json, os, sys

for line in sys.stdin:
    question = json.loads(line)
    assert question["do"] == "export"
    with open("exported.jsonl", "a") as file:
        file.write(line)
    print(json.dumps({"progress": [1, 2]}), flush=True)
    folder = os.path.join(question["folder"], "weights", "openvino")
    os.makedirs(folder)
    for suffix in ("xml", "bin"):
        open(f"{folder}/model.{suffix}", "w").write("graph")
    print(json.dumps({"answer": f"{folder}/model.xml"}), flush=True)
"""


@pytest.fixture
def program(tmp_path):
    """Writes a Python program and starts it as a worker; all end with the test."""
    running = []

    def start(*lines):
        path = tmp_path / f"program{len(running)}.py"
        path.write_text("\n".join(["import json, sys", *lines]))
        running.append(Worker([PYTHON, path], tmp_path / "program.log"))
        return running[-1]

    yield start
    for worker in running:
        with worker:
            pass


class TestWorker:
    def test_a_question_goes_out_and_its_answer_comes_back(self, program):
        worker = program("for line in sys.stdin: print(json.dumps({'answer': json.loads(line)}), flush=True)")

        assert worker.ask("time", rows=[1, 2]) == {"do": "time", "rows": [1, 2]}
        assert worker.ask("load", file=Path("a/b")) == {"do": "load", "file": "a/b"}

    def test_progress_is_told_before_the_answer(self, program):
        worker = program(
            "sys.stdin.readline()", """print('{"progress": [1, 3]}\\n{"progress": [3, 3]}\\n{"answer": null}')"""
        )
        told = []

        assert worker.ask("export", lambda *of: told.append(of)) is None
        assert told == [(1, 3), (3, 3)]

    def test_a_crash_shows_the_status_and_the_end_of_the_log(self, program):
        worker = program(
            "sys.stdin.readline()",
            "print('\\n'.join(f'line {i}' for i in range(100)), file=sys.stderr)",
            "raise ValueError('no graph')",
        )

        with pytest.raises(
            DataError, match=r"(?s)ended with status 1; .*program\.log:.*ValueError: no graph"
        ) as caught:
            worker.ask("load")

        assert "line 10\n" not in str(caught.value)

    def test_a_worker_that_is_gone_is_told_and_no_broken_pipe(self, program):
        worker = program("sys.exit(3)")

        for _ in range(2):
            with pytest.raises(DataError, match="ended with status 3"):
                worker.ask("about")

    def test_without_the_environment_the_commands_that_make_it_are_told(self, program, tmp_path):
        commands = r"pip install anomalib==2.*pip install openvino=="

        with pytest.raises(ConfigError, match=f"(?s)No such file.*{commands}"):
            Worker([tmp_path / "bin" / "python"], tmp_path / "log")
        with pytest.raises(ConfigError, match=f"(?s)lacks a package.*ModuleNotFoundError.*{commands}"):
            program("import anomalib").ask("about")

    def test_an_interruption_ends_a_worker_that_is_at_work(self, tmp_path):
        path = tmp_path / "busy.py"
        path.write_text("import time\nwhile True: time.sleep(60)")

        with pytest.raises(KeyboardInterrupt), Worker([PYTHON, path], tmp_path / "log") as worker:
            raise KeyboardInterrupt

        assert worker._process.returncode != 0


class Asked:
    """A worker that writes down what it is asked, and takes as long as it is told."""

    def __init__(self, diary, seconds):
        self.diary, self.seconds = diary, seconds

    def ask(self, do, model, stage, rows, limit_s):
        assert do == "time"
        self.diary.append((model, stage, tuple(rows)))
        return [self.seconds, self.seconds, 100.0]


class TestTurns:
    TURNS = (Turn("ours", "a", "verdict"), Turn("ours", "a", "map"), Turn("peer", "b", "map"))

    def taken(self, rounds):
        diary = []
        workers = {"ours": Asked(diary, 1.0), "peer": Asked(diary, 2.0)}
        return take_turns(workers, self.TURNS, rounds=rounds, rows=[[0, 1], [2, 3]]), diary

    def test_each_comes_once_a_round_with_the_same_pictures(self):
        _, diary = self.taken(4)

        for number in range(4):
            own = diary[3 * number : 3 * number + 3]
            assert {each[:2] for each in own} == {("a", "verdict"), ("a", "map"), ("b", "map")}
            assert {each[2] for each in own} == {((0, 1), (2, 3))[number % 2]}

    def test_the_order_is_drawn_for_each_round(self):
        _, diary = self.taken(20)

        assert len({tuple(each[:2] for each in diary[3 * i : 3 * i + 3]) for i in range(20)}) > 3

    def test_a_turn_is_the_median_of_its_pictures(self):
        taken, _ = self.taken(2)

        assert taken == {self.TURNS[0]: [1.0, 1.0], self.TURNS[1]: [1.0, 1.0], self.TURNS[2]: [2.0, 2.0]}

    def test_ratios_are_of_the_same_round(self):
        """A machine that slows down for some rounds slows both."""
        ratio = Ratio.of([1, 2, 30, 4, 50], [2, 4, 60, 4, 50])

        assert ratio == Ratio(0.5, 0.5, 1.0)
        assert str(Ratio(0.254, 0.25, 0.266)) == "0.25 (0.25 to 0.27)"


def row(worker, name, precision="float32", **seconds):
    return Row(worker, name, f"engine {precision}", precision, seconds, {"plates": 0.91234})


class TestTable:
    OURS = row("ours", "normals only", network=[0.010, 0.020], verdict=[0.011, 0.022], map=[0.012, 0.0272])
    SLOW = row("anomalib", "PaDiM, ResNet-18", map=[0.1, 0.2])
    FAST = row("anomalib", "fast", map=[0.022, 0.044])
    FASTER = row("anomalib", "faster", "bfloat16", map=[0.011, 0.022])
    ROWS = (OURS, SLOW, FAST, FASTER)

    def test_a_row_is_compared_with_the_fastest_peer_of_its_precision(self):
        assert self.OURS.fastest_peer(self.ROWS) is self.FAST
        assert self.SLOW.fastest_peer(self.ROWS) is self.FAST
        assert self.OURS.fastest_peer(self.ROWS, self.SLOW.name) is self.SLOW
        assert self.FASTER.fastest_peer(self.ROWS) is self.FASTER
        assert replace(self.OURS, precision="int8").fastest_peer(self.ROWS) is self.FASTER

    def test_the_cells_of_ours_and_of_a_peers(self):
        sets = ["plates", "rods"]

        ours, peer = self.OURS.cells(self.ROWS, sets), self.FASTER.cells(self.ROWS, sets)
        assert ours == [
            "normals only", "engine float32", "15.0", "16.5", "19.6", "0.11 (0.11 to 0.11)", "0.50 (0.50 to 0.50)",
            "1.10 (1.10 to 1.10)", "1.28 (1.24 to 1.32)", "0.9123", "",
        ]  # fmt: skip
        assert peer == [
            "faster", "engine bfloat16", "", "16.5", "16.5", "0.11 (0.11 to 0.11)", "1.00 (1.00 to 1.00)", "", "",
            "0.9123", "",
        ]  # fmt: skip
        assert len(ours) == len(peer) == len(headings(sets))

    def test_a_model_of_several_sets_is_one_row_of_their_mean(self):
        models = [
            Model("ours", "normals only", name, None, Path(), {"engine": "e", "precision": "p"}, ("network", "map"))
            for name in ("plates", "rods")
        ]
        seconds = {
            Turn("ours", model.name, stage): [first, second]
            for model, own in zip(models, ((1.0, 2.0), (3.0, 6.0)), strict=True)
            for stage, (first, second) in (("network", own), ("map", (2 * own[0], 2 * own[1])))
        }

        (made,) = rows_of(models, seconds, {models[0].name: 0.9, models[1].name: None})

        assert made.seconds == {"network": [2.0, 4.0], "map": [4.0, 8.0]}
        assert (made.name, made.engine, made.auroc) == ("normals only", "e p", {"plates": 0.9})

    def test_it_is_a_table_in_markdown(self):
        lines = markdown(self.ROWS, ["plates"], "measured").splitlines()

        assert lines[0] == "measured"
        assert lines[2].startswith("| model | engine |")
        assert {line.count("|") for line in lines[2:8]} == {11}
        assert lines[9:] == NOTES.splitlines()

    def test_it_says_whether_known_anomalies_count(self):
        notes = {"plates": {"gate": "normals only"}, "rods": {"gate": None}}

        said = markdown([self.OURS, replace(self.OURS, notes=notes), self.SLOW], ["plates"], "measured")
        assert said.endswith("the gate decides whether they count; it ships normals only on plates.")

    def test_it_takes_the_place_between_its_markers_and_nothing_else(self):
        text = f"# Before\n{BEGIN}\nold\n{END}\n# After\n"

        once = written_between(text, "new", Path("x.md"))
        assert once == f"# Before\n{BEGIN}\nnew\n{END}\n# After\n"
        assert written_between(once, "newer", Path("x.md")) == once.replace("new", "newer")

    @pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}\n{BEGIN}"])
    def test_without_markers_it_is_told_which(self, text):
        with pytest.raises(ConfigError, match=f"(?s)x.md: has no place.*{BEGIN}\n{END}"):
            written_between(text, "new", Path("x.md"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_parts(folder / "plates" / "normal", good_parts(NORMALS))
    write_parts(folder / "plates" / "scratch", scratched_parts(SCRATCHES, seed=1))
    write_parts(folder / "plates" / "spot", spotted_parts(SPOTS, seed=2))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Our bundles are fitted once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def divided(folder, cache):
    return divide(find_sets(folder, ["plates"])[0], cache / "pictures", lambda _: None)


class TestSets:
    def test_every_picture_is_one_of_256(self, divided):
        for division in divided.values():
            for file in (*division.train, *division.tested, *sum(division.known.values(), ())):
                assert cv2.imread(str(file)).shape == (SIZE, SIZE, 3)

    def test_all_train_on_the_same_normals_and_none_is_tested_on_what_it_knows(self, divided):
        without, ten = divided[0], divided[10]

        assert (without.train, without.normals) == (ten.train, ten.normals)
        assert (len(without.train), len(without.normals), len(without.anomalies)) == (30, 20, 13)
        assert not without.known
        known = {file for files in ten.known.values() for file in files}
        assert len(known) == 10
        assert known | set(ten.anomalies) == set(without.anomalies)
        assert not known & set(ten.anomalies)

    def test_pictures_are_made_once_as_long_as_the_set_is_the_same(self, folder, cache, divided):
        made = []
        again = divide(find_sets(folder, ["plates"])[0], cache / "pictures", made.append)

        assert (again, made) == (divided, [])

    def test_an_interruption_leaves_no_half_of_a_set(self, folder, tmp_path):
        pictures = find_sets(folder, ["plates"])[0]

        def interrupted(_):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            divide(pictures, tmp_path, interrupted)

        assert divide(pictures, tmp_path, lambda _: None)[0].train[-1].exists()

    def test_normals_and_anomalies_are_timed_in_turn(self, divided):
        timed = np.load(timed_pictures(divided[0]))

        assert timed.shape == (20, SIZE, SIZE, 3)
        spread = timed.std(axis=(1, 2, 3))
        assert spread[1::2].mean() > 1.5 * spread[::2].mean()

    def test_a_digest_tells_what_differs(self):
        assert digest("a", [Path("b")]) == digest("a", [Path("b")])
        assert digest("a", [Path("b")]) != digest("a", [Path("c")])


@pytest.fixture
def bench(folder, cache, tmp_path, monkeypatch):
    """Runs the command with anomalib's end faked, nothing exported yet; ours is real."""
    shutil.rmtree(cache / "anomalib", ignore_errors=True)
    peer, exporter = tmp_path / "peer.py", tmp_path / "exporter.py"
    peer.write_text(PEER)
    exporter.write_text(EXPORTER)
    monkeypatch.setattr(speed, "TIMING", peer)
    monkeypatch.setattr(speed, "EXPORT", exporter)
    monkeypatch.setattr(speed_models, "CONFIG", CONFIG)
    monkeypatch.setenv("PYTHONPATH", str(Path(speed.__file__).parents[2]))
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.chdir(tmp_path)

    def run(*options):
        options = ("--sets", "plates", "--rounds", "2", "--pictures", "8", "--threads", "1", *options)
        return main(
            ["benchmark", "speed", "--data", str(folder), "--peer-python", str(PYTHON), "--cache", str(cache), *options]
        )

    return run


class TestCommand:
    def test_one_command_rewrites_the_table(self, bench, tmp_path, capsys):
        page = tmp_path / "PERFORMANCE.md"
        page.write_text(f"# Performance\n{BEGIN}\n{END}\nafter\n")

        assert bench("--write", str(page), "--json", "out/speed.json") == 0

        record = json.loads((tmp_path / "out" / "speed.json").read_text())
        by_worker = {
            worker: [row for row in record["rows"] if row["worker"] == worker] for worker in ("ours", "anomalib")
        }
        assert {row["model"] for row in by_worker["ours"]} == {"normals only", "10 known anomalies"}
        assert {row["engine"].split()[1] for row in by_worker["ours"]} == {"float32", "int8"}
        for row in by_worker["ours"]:
            assert row["median_ms"].keys() == {"network", "verdict", "map"}
            assert row["ratios"]["verdict / fastest peer"][0] < 0.1
            assert 0.5 < row["auroc"]["plates"] <= 1
            assert [len(own) for own in row["seconds"].values()] == [2, 2, 2]
        assert [row["model"] for row in by_worker["anomalib"]] == [peer.name for peer in speed_models.PEERS]
        for row, peer in zip(by_worker["anomalib"], speed_models.PEERS, strict=True):
            assert row["median_ms"]["map"] == pytest.approx(1e6, rel=1e-3)
            assert row["auroc"].keys() == ({"plates"} if peer.learns else set())
        assert record["processor"] == "a pocket calculator"
        assert (record["rounds"], record["threads"]) == (2, 1)

        text = page.read_text()
        assert text.startswith(f"# Performance\n{BEGIN}\n256 x 256, one picture at a time, 1 threads, a pocket")
        assert text.endswith(f"{END}\nafter\n")
        assert text.count("\n| ") == 2 + len(record["rows"])
        assert "10 known anomalies" in capsys.readouterr().out

    def test_what_is_fitted_and_exported_and_scored_is_kept(self, bench, tmp_path, monkeypatch):
        assert bench() == 0
        exported = (tmp_path / "exported.jsonl").read_text().splitlines()
        assert [json.loads(line)["method"] for line in exported] == [peer.method for peer in speed_models.PEERS]
        for name in ("fit_model", "auroc"):
            monkeypatch.setattr(speed_models, name, lambda *_, **__: pytest.fail("made again"))

        assert bench() == 0

        assert (tmp_path / "exported.jsonl").read_text().splitlines() == exported

    def test_the_peers_get_what_ours_gets(self, bench, divided, tmp_path):
        assert bench() == 0

        for line in (tmp_path / "exported.jsonl").read_text().splitlines():
            asked = json.loads(line)
            assert asked["train"] == [str(file) for file in divided[0].train]
            assert asked["tested"] == [str(file) for file in divided[0].tested]

    def test_models_that_take_long_can_be_left_out_and_are_said_to_be(self, bench, cache, tmp_path):
        assert bench() == 0
        for kept in cache.glob("anomalib/*-package-plates-*"):
            shutil.rmtree(kept)
        (tmp_path / "exported.jsonl").unlink()
        page = tmp_path / "PERFORMANCE.md"
        page.write_text(f"{BEGIN}\n{END}\n")

        assert bench("--ready", "--write", str(page), "--json", "speed.json") == 0

        left_out = [f"{peer.name} of plates" for peer in speed_models.PEERS if peer.learns]
        record = json.loads((tmp_path / "speed.json").read_text())
        assert record["left_out"] == left_out
        assert not {row["model"] for row in record["rows"]} & {peer.name for peer in speed_models.PEERS if peer.learns}
        assert f"Not fitted, and left out: {', '.join(left_out)}." in page.read_text()
        assert not (tmp_path / "exported.jsonl").exists()

    def test_a_page_without_a_place_is_told_before_any_work(self, bench, cache, tmp_path, capsys):
        page = tmp_path / "PERFORMANCE.md"
        page.write_text("# Performance\n")

        assert bench("--write", str(page)) == 78
        assert "has no place for the table" in capsys.readouterr().err
        assert not (cache / "anomalib").exists()

    def test_a_peer_that_fails_is_told(self, bench, tmp_path, capsys):
        (tmp_path / "exporter.py").write_text("raise ValueError('no weights')")

        assert bench() == 78
        said = capsys.readouterr().err
        assert "no weights" in said
        assert "Traceback" not in said.partition("the end of")[0]


@pytest.mark.skipif(not PEER_PYTHON.exists(), reason=f"needs the optional environment of anomalib:\n{SETUP_OPENVINO}")
def test_a_real_graph_of_anomalibs_is_exported_timed_and_asked(divided, tmp_path):
    python, division = PEER_PYTHON.absolute(), divided[0]
    asked = {"method": "stfpm", "weights": "random", "train": division.train[:2], "tested": division.tested[:2]}
    with Worker([python, "-I", EXPORT], tmp_path / "export.log") as exporter:
        graph = exporter.ask("export", **asked, seed=0, folder=tmp_path / "graph")

    with Worker([python, "-I", TIMING, "1"], tmp_path / "timing.log") as worker:
        assert "float32" in worker.ask("about")["precisions"]
        worker.ask("load", model="a", file=graph, precision="float32", pictures=timed_pictures(division))
        seconds = worker.ask("time", model="a", stage="map", rows=[0, 1, 30], limit_s=60.0)
        scores = worker.ask("score", model="a", files=division.tested[:2])
        assert len(seconds) == 3
        assert min(seconds) > 0
        assert sorted(scores) == pytest.approx([0, 1], abs=1e-3)  # the two that the scale was taken from
        with pytest.raises(DataError, match="score and map together, not the network"):
            worker.ask("time", model="a", stage="network", rows=[0], limit_s=1.0)
