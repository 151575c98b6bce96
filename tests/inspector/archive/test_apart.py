import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from inspector.archive import apart
from inspector.archive.apart import prune_apart
from inspector.archive.holds import locked, place
from inspector.archive.prune import Limits, prune
from inspector.errors import ArchiveError
from inspector.inspection import utc_now
from tests.archived import id_at, names, put

NOW = utc_now()
TEN_DAYS = Limits(pass_days=10, reject_days=10, max_bytes=1, min_free_bytes=0)


def filled(folder):
    """One too old, one for which there is no room, and one that is held."""
    for days in (-11, -2, -1):
        put(folder, id_at(NOW, days=days))
    place(folder, since=NOW - timedelta(days=1, hours=1), reason="recall", by="anna")
    return folder


def test_it_does_and_reports_what_pruning_in_this_process_does(tmp_path):
    here = filled(tmp_path / "here")
    there = Path(shutil.copytree(here, tmp_path / "there"))

    assert prune_apart(there, TEN_DAYS, NOW) == prune(here, TEN_DAYS, now=NOW)
    assert names(there) == names(here) != []


def test_where_another_prunes_there_is_no_report(tmp_path):
    filled(tmp_path)
    with locked(tmp_path):
        assert prune_apart(tmp_path, TEN_DAYS, NOW) is None


def test_why_nothing_was_pruned_is_said_as_in_this_process(tmp_path):
    put(tmp_path, id_at(NOW, days=-11))
    (tmp_path / ".holds").touch()

    with pytest.raises(ArchiveError) as here:
        prune(tmp_path, TEN_DAYS, now=NOW)
    with pytest.raises(ArchiveError) as there:
        prune_apart(tmp_path, TEN_DAYS, NOW)

    assert str(there.value) == str(here.value)


def test_a_process_that_is_killed_is_an_error_and_no_report(tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "PROGRAM", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    with pytest.raises(ArchiveError, match="pruning ended by signal 9"):
        prune_apart(tmp_path, TEN_DAYS, NOW)


def test_a_process_that_cannot_be_started_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    with pytest.raises(ArchiveError, match="no process can be started: No such file"):
        prune_apart(tmp_path, TEN_DAYS, NOW)
