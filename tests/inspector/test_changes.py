import pytest

from inspector.changes import Changes
from inspector.config import Config
from inspector.errors import ConfigError


def config(*stations, **settings):
    camera = {"kind": "folder", "path": "/srv/pictures"}
    described = [{"bundle": "/bundles/a", "camera": camera, **station} for station in stations]
    return Config.model_validate({"sinks": [{"kind": "log"}], "stations": described, **settings})


A, B = {"name": "a"}, {"name": "b"}


def test_what_comes_goes_and_changes_is_told_apart():
    before = config(A, B, {"name": "c"}, {"name": "d"})
    after = config(A, {**B, "max_latency_ms": 7}, {"name": "c", "bundle": "/bundles/new"}, {"name": "e"})
    changes = Changes.between(before, after)

    assert changes == Changes(added=("e",), removed=("d",), changed=("b",), bundle_changed=("c",))
    assert str(changes) == "added: e; removed: d; changed: b; another bundle: c"
    assert str(Changes.between(before, before)) == "nothing has changed"


@pytest.mark.parametrize(
    "settings", [{"sinks": []}, {"engine": "openvino"}, {"precision": "int8"}, {"threads_per_station": 3}]
)
def test_what_is_said_for_all_changes_those_that_say_nothing_else(settings):
    own = {"sinks": [{"kind": "log"}], "engine": "onnxruntime", "precision": "float32"}
    changes = Changes.between(config(A, {**B, **own}), config(A, {**B, **own}, **settings))

    assert changes.changed == (("a", "b") if "threads_per_station" in settings else ("a",))


@pytest.mark.parametrize(
    "settings",
    [
        {"record": {"folder": "/records"}},
        {"metrics": {"port": 1}},
        {"models": {"folder": "/m"}},
        {"logging": {"level": "debug"}},
    ],
)
def test_what_takes_a_restart_is_refused_by_its_name(settings):
    with pytest.raises(ConfigError, match=f"{next(iter(settings))}: cannot change while the daemon runs"):
        Changes.between(config(A), config(A, **settings))
