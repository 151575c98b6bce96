import platform

import pytest

from inspector import engine_record
from inspector.engine_record import situation
from inspector.engines import Engine

X86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9R14\nflags\t\t: fpu\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n"


@pytest.mark.parametrize(
    ("text", "named"), [(X86, "AMD EPYC 9R14"), (ARM, platform.machine()), (None, platform.machine())]
)
def test_the_processor_is_named_as_well_as_it_names_itself(tmp_path, monkeypatch, text, named):
    file = tmp_path / "cpuinfo"
    if text:
        file.write_text(text)
    monkeypatch.setattr(engine_record, "PROCESSORS", file)

    assert situation("digest", [Engine()]).processor == named


def test_a_situation_names_the_engines_that_are_installed():
    versions = situation("digest", [Engine()]).versions

    assert "onnxruntime" in versions or "onnxruntime-gpu" in versions
