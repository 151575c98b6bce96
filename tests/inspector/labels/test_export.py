import errno
from pathlib import Path

import pytest
import yaml

from inspector.archive.layout import Day, date_of, name_of
from inspector.archive.reading import Reading
from inspector.errors import ArchiveError, ConfigError
from inspector.inspection import Outcome
from inspector.labels.export import SETTINGS, export
from inspector.labels.label import Anomaly, Says
from inspector.pictures import encode_png
from tests.archived import NOON, id_at
from tests.parts import SIZE, good_parts, scratched_parts
from training.cli import main as train

SCRATCH = Anomaly(type="scratch", weight=2, critical=True)

TRAINING = f"""\
name: plates
output: out
network:
  {{backbone: light, weights: none, input_size: [{SIZE}, {SIZE}], levels: [8], patch_levels: [8], train: head}}
batch_size: 16
trainer: {{max_epochs: 1}}
false_reject_rate: 0.05
"""


@pytest.fixture
def to(tmp_path):
    return tmp_path / "set"


@pytest.fixture
def exported(labels, archive, to):
    def run(station="press-1"):
        return export(labels.read(), Reading(archive), station, to)

    return run


@pytest.fixture
def judged(archive):
    """Puts the picture of a reject into the archive, and gives its inspection and the file's bytes."""
    count = iter(range(1000))

    def put(pixels):
        inspection = id_at(NOON, seconds=next(count))
        day = Day(date_of(inspection), "press-1").path(archive)
        day.mkdir(parents=True, exist_ok=True)
        picture = day / name_of(inspection, Outcome.FAIL, "png")
        picture.write_bytes(encode_png(pixels))
        return inspection, picture

    return put


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_false_rejects_are_normal_and_all_others_of_their_type(teacher, judged, exported, to):
    (good, picture), (bad, _), (missed, _) = judged(good_parts(1)[0]), *map(judged, scratched_parts(2))
    teacher.label(good, "press-1", "otto", Says.FALSE_REJECT)
    teacher.label(bad, "press-1", "otto", Says.TRUE_REJECT, SCRATCH)
    teacher.label(missed, "press-1", "otto", Says.MISSED, SCRATCH)

    done = exported()

    assert files(to) == sorted([SETTINGS, f"normal/{good}.png", f"scratch/{bad}.png", f"scratch/{missed}.png"])
    assert (to / "normal" / f"{good}.png").read_bytes() == picture.read_bytes()
    settings = {"data": {"anomalies": {"scratch": {"weight": 2, "critical": True}}}}
    assert (done.written, done.settings) == (3, settings)
    assert yaml.safe_load((to / SETTINGS).read_text()) == settings


def test_a_second_export_adds_what_is_new_and_touches_nothing_else(teacher, judged, exported, to):
    first, second = (judged(part)[0] for part in good_parts(2))
    teacher.label(first, "press-1", "otto", Says.FALSE_REJECT)
    exported()
    mine = to / "normal" / f"{first}.png"
    mine.write_bytes(b"retouched")
    (to / "normal" / "by-hand.png").write_bytes(b"mine")
    teacher.label(second, "press-1", "otto", Says.FALSE_REJECT)

    done = exported()

    assert (done.written, done.already) == (1, 1)
    assert mine.read_bytes() == b"retouched"
    assert files(to / "normal") == sorted(["by-hand.png", f"{first}.png", f"{second}.png"])


def test_a_picture_goes_where_its_label_went(teacher, judged, exported, to):
    inspection, _ = judged(good_parts(1)[0])
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)
    exported()
    teacher.label(inspection, "press-1", "erna", Says.TRUE_REJECT, SCRATCH)

    assert exported().moved == 1
    assert files(to) == [SETTINGS, f"scratch/{inspection}.png"]
    assert not (to / "normal").exists()


def test_a_withdrawn_label_is_told_and_its_picture_left(teacher, judged, exported, to):
    inspection, _ = judged(good_parts(1)[0])
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)
    exported()
    teacher.withdraw(inspection, "press-1", "otto")

    left = to / "normal" / f"{inspection}.png"
    assert exported().withdrawn == [str(left)]
    assert left.exists()


def test_pictures_that_are_gone_are_told(teacher, exported, to, an_id):
    teacher.label(an_id, "press-1", "otto", Says.TRUE_REJECT, SCRATCH)

    done = exported()

    assert (done.gone, done.written, done.settings) == ([an_id], 0, {"data": {"anomalies": {}}})
    assert files(to) == [SETTINGS]


def test_a_picture_that_the_disk_does_not_give_is_no_mistake_of_the_user(teacher, judged, exported, monkeypatch):
    inspection, picture = judged(good_parts(1)[0])
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)

    def refuse(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ArchiveError, match=picture.name):
        exported()


def test_other_stations_stay_out(teacher, judged, exported, to):
    inspection, _ = judged(good_parts(1)[0])
    teacher.label(inspection, "press-1", "otto", Says.FALSE_REJECT)

    assert exported("press-2").written == 0


def test_a_folder_that_cannot_be_made_is_said(exported, to):
    to.write_text("a file")

    with pytest.raises(ConfigError, match=r"--to: .*set"):
        exported()


def test_training_takes_the_export_as_it_is(teacher, judged, exported, to, tmp_path):
    for part in good_parts(40):
        teacher.label(judged(part)[0], "press-1", "otto", Says.FALSE_REJECT)
    for part in scratched_parts(3):
        teacher.label(judged(part)[0], "press-1", "otto", Says.TRUE_REJECT, SCRATCH)
    settings = exported().settings
    settings["data"]["root"] = str(to)
    (tmp_path / "plates.yaml").write_text(TRAINING + yaml.safe_dump(settings))

    assert train(["fit", str(tmp_path / "plates.yaml")]) == 0
