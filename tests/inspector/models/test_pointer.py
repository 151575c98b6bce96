import os
from pathlib import Path

import pytest

from inspector.errors import ModelError
from inspector.models.pointer import CONFIGURED, Pointer, PointerFile, pointed_to

A, B = "a" * 64, "b" * 64


def test_what_was_written_is_read_and_nothing_else_is_left(tmp_path):
    file = PointerFile(tmp_path, "press-1")
    assert file.read() == Pointer(current=CONFIGURED, previous=None)

    file.write(Pointer(current=A, previous=CONFIGURED))

    assert PointerFile(tmp_path, "press-1").read() == Pointer(current=A, previous=CONFIGURED)
    assert list(file.path.parent.iterdir()) == [file.path]


@pytest.mark.parametrize("text", ["", "{", '{"current": "../../etc"}', '{"current": null}', '{"colour": "red"}', "\0"])
def test_a_damaged_one_is_said_with_its_file(tmp_path, text):
    file = PointerFile(tmp_path, "press-1")
    file.write(Pointer(current=A))
    file.path.write_text(text)

    with pytest.raises(ModelError, match=r"press-1\.json: cannot be read"):
        file.read()


def test_a_disk_that_takes_nothing_leaves_the_old_one(tmp_path, monkeypatch):
    file = PointerFile(tmp_path, "press-1")
    file.write(Pointer(current=A))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="No space left"):
        file.write(Pointer(current=B))

    assert file.read() == Pointer(current=A)
    assert list(file.path.parent.iterdir()) == [file.path]


def test_every_stations_bundles_are_pointed_to(tmp_path):
    PointerFile(tmp_path, "press-1").write(Pointer(current=A, previous=CONFIGURED))
    PointerFile(tmp_path, "press-2").write(Pointer(current=CONFIGURED, previous=B))
    PointerFile(tmp_path, "press-3").path.write_text("{")

    assert pointed_to(tmp_path) == {A, B, CONFIGURED}


def test_a_start_judges_by_what_came_through_its_probation():
    here = Path("/bundles/press-1")
    there = {"configured": str(here)}

    assert Pointer(current=B, previous=A, proved=False, **there).valid(here) == Pointer(current=A, **there)
    assert Pointer(current=B, previous=A, **there).valid(here).current == B


def test_a_configuration_that_names_another_bundle_was_the_later_decision():
    pointer = Pointer(current=B, previous=A, configured="/bundles/old")

    assert pointer.valid(Path("/bundles/new")) == Pointer(configured="/bundles/new")
