"""The real daemon keeps what it rejects, and keeps its folder within limits, without anybody's help."""

import json

import numpy as np

from inspector.archive.reading import Reading, Wanted
from inspector.cli import main
from inspector.inspection import Outcome, utc_now
from inspector.pictures import read_picture
from tests.archived import id_at, put
from tests.broker import wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, scratched_parts, write_parts

ARCHIVE = (
    "archive: {folder: archive, format: png, keep_passes: 0, near_threshold: 0, min_free_bytes: 0, pass_days: 30}\n"
)


def test_rejects_are_kept_with_their_heat_maps_and_what_is_old_goes(small_bundle, broker, tmp_path, capsys):
    good, scratched = good_parts(1, seed=7), scratched_parts(1, seed=7)
    pictures = tmp_path / "press-1"
    write_parts(pictures, good, "good")
    write_parts(pictures, scratched, "bad")
    folder = tmp_path / "archive"
    old, *_ = put(folder, id_at(utc_now(), days=-40))
    put(folder, young := id_at(utc_now(), days=-20), Outcome.FAIL)
    line = Line(tmp_path, broker.port, small_bundle, pictures)
    line.config.write_text(line.config.read_text() + ARCHIVE)

    with line:
        wait_until(lambda: not old.exists(), "the prune, which gives way to all else", 60)
        reading = Reading(folder)
        entries = wait_until(lambda: found if len(found := list(reading.newest_first(Wanted()))) > 3 else None, "FAILs")
        line.wait_for_metric('inspector_archive_pruned_total{outcome="PASS"} 1.0')
        assert line.stop() == 0

    assert entries[-1].id == young
    newest = entries[0].id
    assert np.array_equal(read_picture(reading.picture(newest)), scratched[0])
    assert read_picture(reading.heat_map(newest)).shape == scratched[0].shape
    assert {entry.outcome for entry in entries} == {Outcome.FAIL}
    assert main(["archive", "show", str(line.config), newest, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["inspection"]["part_id"] == "bad-000"
    assert shown["picture"] == str(reading.picture(newest))
