from argparse import ArgumentParser
from pathlib import Path

import pytest

from inspector.bench.options import add_arguments


def parsed(*arguments):
    parser = ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["bundle", *arguments])


def test_lists_are_separated_by_commas_and_nothing_is_measured_twice():
    options = parsed("--engine", "openvino,onnxruntime,openvino", "--stations", "4,1,4", "--precision", "all")

    assert options.engine == ["openvino", "onnxruntime"]
    assert options.stations == [4, 1]
    assert options.precision == ["all"]


def test_a_broker_is_host_and_port():
    assert parsed("--broker", "127.0.0.1:1883").broker == ("127.0.0.1", 1883)


def test_what_is_written_goes_to_a_folder_that_is_there(tmp_path):
    assert parsed("--json", "-").json == Path("-")
    assert parsed("--chart", str(tmp_path / "a.png")).chart == tmp_path / "a.png"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--engine", "torch"),
        ("--precision", "int4"),
        ("--stations", "1,0"),
        ("--stations", "two"),
        ("--count", "-5"),
        ("--seconds", "0"),
        ("--seconds", "nan"),
        ("--seconds", "inf"),
        ("--seconds", "5", "--count", "5"),
        ("--broker", "localhost"),
        ("--broker", ":1883"),
        ("--broker", "localhost:70000"),
        ("--json", "/nowhere/at/all.json"),
    ],
)
def test_a_wrong_command_line_is_said_before_anything_is_measured(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*wrong)

    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err
