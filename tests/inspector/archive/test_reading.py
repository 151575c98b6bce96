import os
from datetime import timedelta

import pytest

from inspector.archive.reading import Reading, Wanted
from inspector.errors import ArchiveError
from inspector.inspection import Outcome
from tests.archived import NOON, archive, id_at, names, put, seen

NOT_ARCHIVED = "01KAT3V6V2M8RFX5YF6S8T4N3Q"


@pytest.fixture
def evidence(tmp_path):
    opened = archive(tmp_path)
    opened.see(evidence := seen(part_id="../lid"))
    opened.close()
    return evidence


def test_an_id_leads_to_the_picture_and_to_what_was_said_of_it(tmp_path, evidence):
    reading, inspection_id = Reading(tmp_path), evidence.inspection.id

    assert reading.picture(inspection_id).name == f"{inspection_id}.fail.jpg"
    assert reading.picture(inspection_id).is_file()
    assert reading.heat_map(inspection_id) is None
    assert reading.inspection(inspection_id) == evidence.inspection


def test_a_picture_of_either_kind_is_found_and_a_heat_map_is_no_picture(tmp_path):
    put(tmp_path, only_heat := id_at(), parts=("heat.jpg",))
    put(tmp_path, png := id_at(), parts=("png",))
    reading = Reading(tmp_path)

    assert reading.picture(only_heat) is None
    assert reading.heat_map(only_heat).name.endswith(".pass.heat.jpg")
    assert reading.picture(png).suffix == ".png"
    assert reading.inspection(png) is None


@pytest.mark.parametrize("name", ["../press-1/x", "*", "", f"{NOT_ARCHIVED}/..", "\0", NOT_ARCHIVED])
def test_what_is_no_id_or_was_not_archived_is_not_found(tmp_path, evidence, name):
    reading = Reading(tmp_path)

    assert reading.entry(name) is reading.picture(name) is reading.heat_map(name) is reading.inspection(name) is None


def test_a_picture_that_is_a_link_is_not_shown(tmp_path):
    (path,) = put(tmp_path, linked := id_at(), parts=("jpg",))
    path.unlink()
    path.symlink_to("/etc/passwd")

    assert Reading(tmp_path).picture(linked) is None


def test_the_newest_come_first_and_only_those_that_are_wanted(tmp_path):
    ids = [id_at(hours=12 * number) for number in range(6)]
    for number, each in enumerate(ids):
        put(tmp_path, each, list(Outcome)[number % 3], station="ab"[number % 2])

    def found(*wanted):
        return [ids.index(entry.id) for entry in Reading(tmp_path).newest_first(Wanted(*wanted))]

    assert found() == [5, 4, 3, 2, 1, 0]
    assert found(Outcome.FAIL) == [4, 1]
    assert found(None, "b") == [5, 3, 1]
    assert found(None, None, NOON + timedelta(hours=12), NOON + timedelta(hours=36)) == [2, 1]


def test_before_the_first_picture_there_is_none(tmp_path):
    assert Reading(tmp_path / "not-yet").picture(id_at()) is None


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "file").touch()
    reading = Reading(tmp_path / "file")

    with pytest.raises(ArchiveError, match="cannot be read"):
        list(reading.newest_first(Wanted()))
    with pytest.raises(ArchiveError, match="cannot be read"):
        reading.picture(id_at())


def test_a_text_that_is_damaged_is_told(tmp_path, evidence):
    (text,) = (tmp_path / name for name in names(tmp_path) if name.endswith(".json"))
    os.truncate(text, 10)

    with pytest.raises(ArchiveError, match="cannot be read"):
        Reading(tmp_path).inspection(evidence.inspection.id)
