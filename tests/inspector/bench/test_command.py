import json

import cv2
import pytest

from inspector.bench import command
from inspector.bundle import GOLDEN
from inspector.cli import main
from inspector.engines import can_run
from inspector.pictures import read_picture
from tests.broker import Subscriber, free_port
from tests.parts import good_parts, write_parts
from tests.requirements import needs


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch):
    monkeypatch.setattr(command, "ROUNDS", 2)


def bench(bundle, *arguments):
    return main(["bench", str(bundle), "--count", "20", *map(str, arguments)])


def test_json_on_standard_output_is_all_that_is_there(small_bundle, capsys):
    assert bench(small_bundle, "--json", "-") == 0

    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["engine"], row["precision"], row["stations"]) == ("onnxruntime", "float32", 1)
    assert row["latency_ms"]["verdict"]["count"] == 20


def test_table_json_and_chart_can_be_had_at_once(small_bundle, tmp_path, capsys):
    assert bench(small_bundle, "--json", tmp_path / "a.json", "--chart", tmp_path / "a.png") == 0

    assert "frame to verdict" in capsys.readouterr().out
    assert json.loads((tmp_path / "a.json").read_text())["sink"] == "discarded"
    assert cv2.imread(str(tmp_path / "a.png")).shape[1] == 1600


def test_each_engine_meets_each_number_of_stations(small_bundle, capsys):
    needs(can_run("openvino"), "OpenVINO (pip install 'line-inspector[openvino]')")

    assert bench(small_bundle, "--engine", "openvino,onnxruntime", "--stations", "1,2", "--json", "-") == 0

    rows = json.loads(capsys.readouterr().out)["rows"]
    setups = [(row["engine"], row["stations"]) for row in rows]
    assert setups == [("onnxruntime", 1), ("onnxruntime", 2), ("openvino", 1), ("openvino", 2)]


def test_all_engines_are_those_that_are_installed(small_bundle, capsys):
    assert bench(small_bundle, "--engine", "all", "--precision", "all", "--json", "-") == 0

    engines = {row["engine"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert engines == {kind for kind in ("onnxruntime", "openvino", "cuda") if can_run(kind)}


def test_cores_are_shared_out_among_stations_unless_told_otherwise(small_bundle, capsys, monkeypatch):
    monkeypatch.setattr(command, "usable_cores", lambda: (0, 1, 2, 3))

    bench(small_bundle, "--stations", "1,2", "--json", "-")
    bench(small_bundle, "--threads", "3", "--json", "-")

    shared, told = (json.loads(text)["rows"] for text in _objects(capsys.readouterr().out))
    assert [row["threads_per_station"] for row in shared] == [4, 2]
    assert [row["threads_per_station"] for row in told] == [3]


def _objects(text):
    first, second = text.split("\n}\n{\n")
    return first + "\n}", "{\n" + second


def test_pictures_can_be_those_of_a_folder(small_bundle, tmp_path, capsys):
    write_parts(tmp_path, [part.repeat(2, axis=0) for part in good_parts(3)])
    (tmp_path / "notes.txt").write_text("no picture")

    bench(small_bundle, "--pictures", tmp_path, "--json", "-")

    assert json.loads(capsys.readouterr().out)["pictures"] == {"count": 3, "sizes": ["16 x 32"]}


def test_of_many_pictures_evenly_spread_ones_are_held(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "MOST_PICTURES", 3)
    paths = write_parts(tmp_path, good_parts(8))

    held = command._pictures(tmp_path)

    assert [each.tolist() for each in held] == [read_picture(paths[i]).tolist() for i in (0, 3, 6)]


def test_results_go_to_a_real_broker_below_their_own_prefix(small_bundle, broker, capsys):
    subscriber = Subscriber(broker.port)
    try:
        assert bench(small_bundle, "--broker", f"127.0.0.1:{broker.port}", "--json", "-") == 0
        subscriber.wait_for("result", 20 + 20)
        subscriber.wait_for_state("stopped")
    finally:
        subscriber.close()

    assert json.loads(capsys.readouterr().out)["sink"] == "mqtt"
    assert {topic.split("/")[0] for topic, _, _ in subscriber.messages} == {"inspector-bench"}


def test_ctrl_c_tells_the_rows_that_are_complete(small_bundle, capsys, monkeypatch):
    measure, calls = command.measure, iter([True, False])

    def interrupted(*arguments):
        if next(calls):
            return measure(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", interrupted)

    assert bench(small_bundle, "--stations", "1,2", "--json", "-") == 130
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--broker", "127.0.0.1:{port}"), "no broker at 127.0.0.1:{port}"),
        (("--pictures", "{folder}/none"), "{folder}/none: No such file"),
        (("--pictures", "{folder}"), "{folder}: holds no pictures"),
        (("--precision", "int8"), "8-bit"),
    ],
)
def test_what_cannot_be_measured_exits_78_with_one_message(small_bundle, tmp_path, capsys, arguments, message):
    names = {"port": free_port(), "folder": tmp_path}

    assert bench(small_bundle, *(each.format(**names) for each in arguments)) == 78

    assert message.format(**names) in capsys.readouterr().err


def test_a_torn_picture_is_named(small_bundle, tmp_path, capsys):
    (path,) = write_parts(tmp_path, good_parts(1))
    path.write_bytes(path.read_bytes()[:-20])

    assert bench(small_bundle, "--pictures", tmp_path) == 78
    assert f"{path}: the file is truncated" in capsys.readouterr().err


def test_the_golden_pictures_are_what_is_judged_by_default(small_bundle, capsys):
    bench(small_bundle, "--json", "-")

    golden = len(list((small_bundle / GOLDEN).iterdir()))
    assert json.loads(capsys.readouterr().out)["pictures"]["count"] == golden
