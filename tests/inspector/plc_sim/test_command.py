"""``inspector plc-sim`` as it is called, with a scripted station behind a real mosquitto."""

import json

import pytest

from inspector.cli import main
from inspector.inspection import Outcome
from tests.broker import free_port
from tests.inspector.plc_sim.station import ScriptedStation


def run(port, *words):
    return main(["plc-sim", "press-1", "--port", str(port), "--rate", "200", "--deadline-ms", "300", *words])


def by_part(station, trigger):
    """Judges a part by its name, and one that is named silent not at all."""
    if trigger["part_id"] != "silent":
        station.answer(trigger, Outcome.FAIL if trigger["part_id"].startswith("defect") else Outcome.PASS)


def test_all_is_well(broker, tmp_path, capsys):
    with ScriptedStation(broker.port, by_part) as station:
        status = run(broker.port, "--count", "20", "--burst", "4", "--json", str(tmp_path / "figures.json"))

    assert status == 0
    assert "nothing" in capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["triggers"], figures["accepted"], figures["breaches"]) == (20, 20, {})
    assert [each["part_id"] for each in station.triggers] == [f"part-{number}" for number in range(1, 21)]


def test_a_breach_is_told_and_is_the_exit_status(broker, capsys):
    with ScriptedStation(broker.port, ScriptedStation.answer):
        status = run(broker.port, "--parts", "good-1,defect-1", "--count", "4", "--deadline-ms", "20000")

    assert status == 1
    assert "false_accept" in capsys.readouterr().out


def test_every_trigger_is_logged_in_order(broker, tmp_path):
    log = tmp_path / "triggers.jsonl"
    with ScriptedStation(broker.port, by_part):
        status = run(broker.port, "--parts", "good-1,defect-1,silent", "--count", "3", "--log", str(log))

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert status == 1
    assert [(each["part_id"], each["accepted"], each["why"], each["breaches"]) for each in lines] == [
        ("good-1", True, "pass", []),
        ("defect-1", False, "fail", []),
        ("silent", False, "silence", ["missing"]),
    ]
    assert lines[0]["answers"][0]["outcome"] == "PASS"


def test_the_truth_comes_from_a_file(broker, tmp_path):
    truth = tmp_path / "truth.json"
    truth.write_text('{"lid-1": "good", "lid-2": "defect"}')
    with ScriptedStation(broker.port, ScriptedStation.answer) as station:
        status = run(broker.port, "--truth", str(truth), "--count", "2", "--plain")

    assert status == 1
    assert [each["part_id"] for each in station.triggers] == ["lid-1", "lid-2"]


def test_all_may_come_twice(broker):
    with ScriptedStation(broker.port, lambda station, trigger: None) as station:
        run(broker.port, "--duplicate", "1", "--count", "2")

    assert len(station.triggers) == 4
    assert len({each["id"] for each in station.triggers}) == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--truth", "/nowhere.json"], "cannot read /nowhere.json"),
        (["--parts", ","], "names no part"),
        (["--cert-file", "plc.pem"], "without --ca-file"),
        (["--ca-file", "/nowhere.pem"], "cannot use /nowhere.pem"),
        (["--ca-file", "/ca.pem", "--key-file", "/key.pem"], "without the cert_file"),
        (["--password-file", "/password"], "without the username"),
        (["--prefix", "a/#"], "must not be empty, hold"),
    ],
)
def test_wrong_settings_are_said_and_end_with_78(words, complaint, capsys):
    assert run(free_port(), *words) == 78
    assert complaint in capsys.readouterr().err


def test_a_missing_broker_is_said_and_ends_with_78(capsys):
    assert run(free_port()) == 78
    assert "nothing listens there" in capsys.readouterr().err


def test_a_truth_of_another_shape_is_refused(tmp_path, capsys):
    truth = tmp_path / "truth.json"
    for text in ("[]", "{}", '{"lid-1": "bad"}', "{"):
        truth.write_text(text)
        assert run(free_port(), "--truth", str(truth)) == 78
        assert "--truth" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--rate", "0"], ["--count", "no"], ["--duplicate", "2"], ["--json", "/no/where"]])
def test_a_wrong_command_line_ends_with_2(words):
    with pytest.raises(SystemExit) as caught:
        run(free_port(), *words)
    assert caught.value.code == 2
