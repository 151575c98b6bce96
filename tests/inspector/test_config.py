from pathlib import Path

import pytest

from inspector.config import read_config
from inspector.cores import usable_cores
from inspector.engine_choice import Wish
from inspector.errors import ConfigError

GOOD = """\
sinks:
  - kind: mqtt
    host: broker.local
stations:
  - name: press-1
    bundle: bundles/cells
    camera:
      kind: folder
      path: /data/frames
"""


def config_file(tmp_path, text):
    path = tmp_path / "line.yaml"
    path.write_text(text)
    return path


def refused(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        read_config(config_file(tmp_path, text))
    return str(error.value)


def test_reads_a_station_with_the_shared_sinks(tmp_path):
    config = read_config(config_file(tmp_path, GOOD))

    (station,) = config.stations
    assert station.name == "press-1"
    assert station.camera.kind == "folder"
    assert [sink.host for sink in config.sinks_of(station)] == ["broker.local"]


def test_a_station_without_a_bundle_is_one_that_a_model_can_come_to(tmp_path):
    without = GOOD.replace("    bundle: bundles/cells\n", "")

    assert "station press-1 names no bundle, and none could be deployed" in refused(tmp_path, without)
    assert read_config(config_file(tmp_path, "models: {folder: models}\n" + without)).stations[0].bundle is None


def test_relative_paths_are_taken_from_the_files_folder(tmp_path):
    (station,) = read_config(config_file(tmp_path, GOOD)).stations

    assert station.bundle == tmp_path / "bundles" / "cells"
    assert station.camera.path == Path("/data/frames")


def test_a_stations_own_sinks_replace_the_shared_ones(tmp_path):
    config = read_config(config_file(tmp_path, GOOD + "    sinks: [{kind: log}]\n"))

    assert [sink.kind for sink in config.sinks_of(config.stations[0])] == ["log"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("path:", "pth:"), "At 'stations[0].camera.pth' (line 9): unknown key; did you mean 'path'?"),
        (
            ("host: broker.local", "hots: broker.local"),
            "At 'sinks[0].hots' (line 3): unknown key; did you mean 'host'?",
        ),
        (("stations:", "station:"), "At 'station' (line 4): unknown key; did you mean 'stations'?"),
        (("kind: folder", "kind: fodler"), "At 'stations[0].camera' (line 7): Input tag 'fodler'"),
        (("  - name: press-1\n    bundle", "  - bundle"), "At 'stations[0].name' (line 5): Field required"),
        (("name: press-1", "name: press/1"), "At 'stations[0].name' (line 5): String should match pattern"),
        (("name: press-1", "name: [1]"), "At 'stations[0].name' (line 5): Input should be a valid string"),
    ],
)
def test_each_kind_of_mistake_has_its_message_with_key_path_and_line(tmp_path, change, says):
    assert says in refused(tmp_path, GOOD.replace(*change))


def test_all_mistakes_are_told_at_once(tmp_path):
    text = GOOD.replace("path:", "pth:").replace("host:", "hots:").replace("press-1", "press 1")

    message = refused(tmp_path, text)

    assert message.splitlines()[0].endswith("line.yaml: 4 to correct")
    assert len(message.splitlines()) == 5


def test_two_stations_of_one_name_are_refused(tmp_path):
    text = GOOD + GOOD.partition("stations:\n")[2]

    assert "two stations are named press-1" in refused(tmp_path, text)


def test_two_sinks_of_one_kind_are_refused(tmp_path):
    text = GOOD.replace("stations:", "  - kind: mqtt\nstations:")

    assert "station press-1 has two sinks of kind mqtt" in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stations: [", "not valid YAML"),
        ("just words", "expected keys and values"),
        ("", "expected keys and values"),
        ("stations: []", "At 'the top' (line 1): there are no stations"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path, text, says):
    assert says in refused(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read: .*No such file"):
        read_config(tmp_path / "none.yaml")


def wishes(tmp_path, *stations, top=""):
    """What runs the network of each station, of which some keys are given."""
    text = top + "stations:\n"
    for number, keys in enumerate(stations):
        camera = "camera: {kind: folder, path: frames}"
        text += f"  - {{name: press-{number}, bundle: b, {camera}{keys and ', '}{keys}}}\n"
    config = read_config(config_file(tmp_path, text))
    return [config.wish_of(station) for station in config.stations]


def test_onnx_runtime_in_full_precision_is_what_runs_unless_told_otherwise(tmp_path):
    assert wishes(tmp_path, "") == [Wish("onnxruntime", "float32", len(usable_cores()), ())]


def test_a_stations_own_engine_replaces_the_shared_one(tmp_path):
    own, shared = wishes(tmp_path, "engine: openvino", "precision: int8", top="engine: auto\nprecision: auto\n")

    assert (own.engine, own.precision) == ("openvino", "auto")
    assert (shared.engine, shared.precision) == ("auto", "int8")


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr("inspector.config.usable_cores", lambda: (0, 1, 2, 3))


def test_stations_share_the_cores_that_none_names(tmp_path, four_cores):
    pinned, *others = wishes(tmp_path, "cpu_affinity: [3, 2, 3]", "", "")

    assert (pinned.cores, pinned.threads) == ((2, 3), 2)
    assert [(each.cores, each.threads) for each in others] == [((), 1), ((), 1)]


def test_the_number_of_threads_can_be_set(tmp_path, four_cores):
    assert [each.threads for each in wishes(tmp_path, "", "", top="threads_per_station: 3\n")] == [3, 3]


def test_a_core_that_the_machine_lacks_is_refused(tmp_path, four_cores):
    with pytest.raises(ConfigError) as refused:
        wishes(tmp_path, "cpu_affinity: [3, 4, 9]")

    says = "At 'stations[0].cpu_affinity' (line 2): there is no core 4, 9; this process may use 0, 1, 2, 3"
    assert says in str(refused.value)


@pytest.mark.parametrize("key", ["engine: cpu", "precision: float16", "cpu_affinity: [-1]"])
def test_an_engine_that_does_not_exist_is_refused(tmp_path, key):
    with pytest.raises(ConfigError, match=rf"At 'stations\[0\].{key.partition(':')[0]}"):
        wishes(tmp_path, key)


def test_without_a_record_nothing_is_kept(tmp_path):
    assert read_config(config_file(tmp_path, GOOD)).record is None


def test_a_record_is_kept_below_the_configurations_folder(tmp_path):
    record = read_config(config_file(tmp_path, GOOD + "record: {folder: records, durability: power}\n")).record

    assert record.folder == tmp_path / "records"
    assert (record.durability, record.keep_days, record.keep_rows) == ("power", 365, 5_000_000)
    assert (record.outbox_rows, record.outbox_bytes, record.outbox_age_s) == (1_000_000, 2**30, 604_800)


@pytest.mark.parametrize("key", ["keep_days: 0", "keep_rows: 0", "outbox_rows: -1", "durability: disk"])
def test_a_record_that_could_keep_nothing_is_refused(tmp_path, key):
    message = refused(tmp_path, GOOD + f"record: {{folder: records, {key}}}\n")

    assert f"At 'record.{key.partition(':')[0]}' (line 10)" in message
