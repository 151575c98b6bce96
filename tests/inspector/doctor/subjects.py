"""Lines for the doctor to look at."""

import yaml

from inspector.config import Config, read_config
from inspector.doctor.findings import Mark, Subject
from inspector.doctor.running import Running

NOT_RUNNING = Running({})


def write_line(folder, bundle, **changes):
    """The file of a line with one station, press-1, on pictures; without a bundle it has no model."""
    station = {"name": "press-1", "camera": {"kind": "folder", "path": "pictures"}}
    station |= {"bundle": str(bundle)} if bundle else {}
    station |= changes.pop("station", {})
    file = folder / "line-1.yaml"
    file.write_text(yaml.safe_dump({"stations": [station], **changes}))
    return file


def a_subject(folder, bundle="bundle", running=NOT_RUNNING, **changes):
    file = write_line(folder, bundle, **changes)
    config = read_config(file)
    assert isinstance(config, Config)
    return Subject(str(file), config, running)


def marks(findings):
    """By what they are about."""
    return {finding.about: finding.mark for finding in findings}


def the_bad(findings):
    """The one finding that is bad; all that is bad comes with advice."""
    found = list(findings)
    (one,) = [finding for finding in found if finding.mark is Mark.BAD]
    assert one.advice
    return one
