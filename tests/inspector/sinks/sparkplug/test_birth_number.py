import pytest

from inspector.errors import ConfigError
from inspector.sinks.sparkplug.birth_number import BirthNumber


def test_it_begins_at_0_and_returns_to_0_after_255():
    number = BirthNumber()

    assert [number.next() for _ in range(257)] == [*range(256), 0]


def test_a_file_remembers_it(tmp_path):
    file = tmp_path / "press-1.bdseq"
    first = BirthNumber(file)
    assert [first.next(), first.next()] == [0, 1]

    assert BirthNumber(file).next() == 2


@pytest.mark.parametrize("content", [b"", b"ten", b"1\n2", b"-1", b"\xff\x00"])
def test_a_file_that_holds_no_number_is_named_and_stops_no_line(tmp_path, caplog, content):
    file = tmp_path / "press-1.bdseq"
    file.write_bytes(content)

    assert BirthNumber(file).next() == 0
    assert f"{file} holds no number" in caplog.text


def test_a_number_out_of_range_is_taken_into_it(tmp_path):
    file = tmp_path / "press-1.bdseq"
    file.write_text("255\n")

    assert BirthNumber(file).next() == 0


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match="state_folder"):
        BirthNumber(tmp_path / "none" / "press-1.bdseq")


def test_a_disk_that_fails_later_is_said_and_survived(tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    number = BirthNumber(folder / "press-1.bdseq")
    folder.rmdir()

    assert [number.next(), number.next()] == [0, 1]
    assert "cannot remember the Sparkplug session" in caplog.text
