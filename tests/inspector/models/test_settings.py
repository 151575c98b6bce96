import pytest

from inspector.errors import ConfigError
from inspector.models import ModelSettings


def test_the_folders_are_made_and_a_second_time_does_no_harm(tmp_path):
    for _ in range(2):
        ModelSettings(folder=tmp_path / "models").prepare()

    assert {each.name for each in (tmp_path / "models").iterdir()} == {"bundles", "stations"}


def test_where_they_cannot_be_made_it_says_so(tmp_path):
    (tmp_path / "models").write_text("a file")

    with pytest.raises(ConfigError, match=r"models: .*bundles cannot be made"):
        ModelSettings(folder=tmp_path / "models").prepare()
