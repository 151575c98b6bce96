import json
import shutil
import stat
import sys

import pytest

from inspector.archive.reading import Reading
from inspector.errors import ConfigError
from inspector.inspection import Outcome, utc_now
from inspector.labels.book import LABEL, Labels
from inspector.labels.label import Anomaly, Label, Says
from inspector.models import Store
from inspector.operator_page import AUDIT, LearningSettings
from inspector.records import RecordSettings
from inspector.records.filter import Filter
from inspector.records.reading import reading
from inspector.ui.job import Step
from inspector.ui.learning import Learning
from tests.archived import id_at, put
from tests.broker import wait_until

PROGRAM = """#!{python}
import json, pathlib, shutil, sys
words = sys.argv[1:]
pathlib.Path({said!r}).write_text(json.dumps(words))
{then}
out = pathlib.Path(words[words.index("--output") + 1])
shutil.copytree({bundle!r}, out / "bundle", dirs_exist_ok=True)
print(json.dumps({{"digest": "told", "name": "plates", "threshold": 2.5, "held_out_normals": 99,
                   "anomaly_types": {{"scratch": 1}}, "gate": None, "promise": None, "seconds": 1.5}}))
"""


@pytest.fixture
def site(tmp_path, small_bundle):
    """Learning with a program of its own: ``site(then)`` is Python that it runs before it writes its bundle.

    ``command`` is what the configuration calls it, where that is not its path.
    """
    audit = RecordSettings(folder=tmp_path / "ui").open(AUDIT, [])
    labels = Labels(tmp_path / "ui")
    made = []

    def learning(then="", command=None):
        program = tmp_path / "train"
        program.write_text(
            PROGRAM.format(python=sys.executable, said=str(tmp_path / "said.json"), then=then, bundle=str(small_bundle))
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        settings = LearningSettings(
            folder=tmp_path / "learning",
            configs={"press-1": tmp_path / "plates.yaml"},
            command=command or str(program),
            threads=2,
        )
        made.append(
            Learning(
                settings,
                store=Store(tmp_path / "models"),
                archive=Reading(tmp_path / "archive"),
                labels=labels,
                audit=audit,
            )
        )
        return made[-1]

    learning.folder, learning.audit = tmp_path, audit
    yield learning
    for each in made:
        each.close()
    audit.close()


@pytest.fixture
def labelled(site):
    """A scratched part, with its picture."""
    said = id_at(utc_now())
    put(site.folder / "archive", said, outcome=Outcome.FAIL)
    label = Label(
        inspection=said, station="press-1", says=Says.TRUE_REJECT, anomaly=Anomaly(type="scratch", weight=3),
        by="otto", at=utc_now(),
    )  # fmt: skip
    site.audit.note(LABEL, label.model_dump(mode="json"))
    wait_until(lambda: Labels(site.folder / "ui").read().lasting("press-1"), "the label")
    return said


def over(learning):
    wait_until(lambda: learning.last and learning.last.status.step is not Step.RUNNING, "the end of the refit")
    return learning.last.status


def notes(site):
    def read():
        with reading(site.folder / "ui" / f"{AUDIT}.sqlite") as connection:
            return [row.content for row in Filter(kind="refit").last(connection, 10)]

    wait_until(lambda: len(read()) >= 2, "both notes")
    return read()


def test_a_refit_takes_the_labels_and_its_bundle_is_a_candidate_in_the_store(site, labelled):
    learning = site()

    learning.begin("press-1", "erna")

    status = over(learning)
    (digest,) = Store(site.folder / "models").digests()
    assert (status.step, status.made.digest) == (Step.DONE, digest)
    words = json.loads((site.folder / "said.json").read_text())
    assert words[:2] == ["refit", str(site.folder / "plates.yaml")]
    assert words[words.index("--threads") + 1] == "2"
    exported = site.folder / "learning" / "press-1" / "labelled"
    assert words[words.index("--labelled") + 1] == str(exported)
    assert [path.parent.name for path in exported.glob("*/*.jpg")] == ["scratch"]
    begun, ended = notes(site)
    assert (begun["by"], begun["step"], begun["station"]) == ("erna", "begun", "press-1")
    assert (ended["step"], ended["bundle"]) == ("done", digest)


def test_what_was_labelled_and_is_not_any_more_is_not_learned_from_again(site, labelled):
    learning = site()
    learning.begin("press-1", "erna")
    over(learning)
    taken_back = Label(inspection=labelled, station="press-1", says=None, by="otto", at=utc_now())
    site.audit.note(LABEL, taken_back.model_dump(mode="json"))
    wait_until(lambda: not Labels(site.folder / "ui").read().lasting("press-1"), "the withdrawal")

    learning.begin("press-1", "erna")

    over(learning)
    folder = site.folder / "learning" / "press-1"
    assert [path.name for path in (folder / "labelled").iterdir()] == ["anomalies.yaml"]
    assert [path.name for path in (folder / "withdrawn").iterdir()] == [f"{labelled}.jpg"]


def test_why_it_failed_is_shown_and_kept(site, labelled):
    learning = site("sys.exit('too few normals')")

    learning.begin("press-1", "erna")

    status = over(learning)
    assert (status.step, status.said) == (Step.FAILED, "too few normals")
    assert Store(site.folder / "models").digests() == []
    assert notes(site)[-1]["said"] == "too few normals"


def test_a_bundle_that_cannot_be_read_is_no_candidate(site, labelled):
    learning = site("shutil.copytree = lambda *_, **__: None")

    learning.begin("press-1", "erna")

    assert over(learning).step is Step.FAILED
    assert Store(site.folder / "models").digests() == []


def test_one_at_a_time_and_it_can_be_stopped(site, labelled):
    learning = site("import time; time.sleep(60)")
    learning.begin("press-1", "erna")

    with pytest.raises(ConfigError, match="another refit is at work"):
        learning.begin("press-1", "otto")
    learning.stop()

    assert over(learning).step is Step.STOPPED
    assert not learning.is_busy


def test_none_outlives_the_page(site, labelled):
    learning = site("import time; time.sleep(60)")
    learning.begin("press-1", "erna")

    learning.close()

    assert learning.last.status.step is Step.STOPPED


def test_the_program_is_found_beside_the_pages_own(site, monkeypatch):
    """The PATH of a service has no virtual environment in it."""
    learning = site(command="train")
    monkeypatch.setattr(sys, "executable", str(site.folder / "python"))
    monkeypatch.setenv("PATH", "/usr/bin")

    assert learning.program == str(site.folder / "train")


def test_without_a_program_or_a_configuration_nothing_begins(site, labelled):
    learning = site()
    with pytest.raises(ConfigError, match="press-2: nothing trains its model here"):
        learning.begin("press-2", "erna")

    shutil.rmtree(site.folder / "learning", ignore_errors=True)
    (site.folder / "train").unlink()

    assert learning.program is None
    with pytest.raises(ConfigError, match="nothing trains its model here"):
        learning.begin("press-1", "erna")
    assert learning.last is None
