import pytest

from inspector.cameras.features import Feature, configure
from inspector.errors import CameraError

FEATURES = {
    "Width": Feature("integer", least=16, most=1024, step=16),
    "OffsetX": Feature("integer", least=0, most=512),
    "SensorWidth": Feature("integer", is_writable=False),
    "ExposureTime": Feature("float", least=10, most=1e6, step=10),
    "Gain": Feature("float", least=0, most=20),
    "FrameRate": Feature("float", least=1, most=100),
    "ReverseX": Feature("boolean"),
    "PixelFormat": Feature("enumeration", entries=["Mono8", "BayerRG8"]),
    "ExposureAuto": Feature("enumeration", entries=["Off", "Continuous"]),
    "DeviceUserID": Feature("string"),
    "UserSetLoad": Feature("command"),
}


class Nodes:
    """A camera that rounds its exposure to steps of 10 and has few gains at a high rate."""

    def __init__(self):
        self.values = {}
        self.executed = []

    def has(self, name):
        return name in self.names()

    def names(self):
        return FEATURES

    def describe(self, name):
        return FEATURES[name]

    def read(self, name):
        return self.values[name]

    def write(self, name, value):
        self.values[name] = round(value, -1) if name == "ExposureTime" else value
        if name == "FrameRate":
            self.values["Gain"] = 0.0

    def execute(self, name):
        self.executed.append(name)


@pytest.fixture
def nodes():
    return Nodes()


def refusal(nodes, *wishes):
    with pytest.raises(CameraError) as caught:
        configure(nodes, wishes)
    return str(caught.value)


def test_features_are_set_in_their_order_as_the_camera_takes_them(nodes):
    configure(nodes, [("Width", 512), ("Gain", 3), ("ReverseX", True), ("PixelFormat", "Mono8"), ("DeviceUserID", 4)])

    assert list(nodes.values.items()) == [
        ("Width", 512), ("Gain", 3.0), ("ReverseX", True), ("PixelFormat", "Mono8"), ("DeviceUserID", "4"),
    ]  # fmt: skip


def test_a_feature_that_is_asked_for_twice_ends_as_it_was_asked_for_last(nodes):
    configure(nodes, [("OffsetX", 0), ("Width", 512), ("OffsetX", 32)])

    assert nodes.values["OffsetX"] == 32


def test_commands_are_run_once_where_they_are_true(nodes):
    configure(nodes, [("UserSetLoad", True), ("UserSetLoad", False)])

    assert nodes.executed == ["UserSetLoad"]


def test_off_without_quotes_is_meant_as_it_stands(nodes):
    configure(nodes, [("ExposureAuto", False)])

    assert nodes.values["ExposureAuto"] == "Off"


def test_what_the_camera_rounds_is_granted(nodes):
    configure(nodes, [("ExposureTime", 2004)])

    assert nodes.values["ExposureTime"] == 2000


def test_what_it_does_instead_is_shown_beside_what_was_asked_for(nodes):
    message = refusal(nodes, ("Gain", 12.5), ("Width", 64), ("FrameRate", 60))

    assert message == "was asked for Gain 12.5 and gives Gain 0"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (("ExposureTme", 10), "has no feature ExposureTme; did you mean ExposureTime?"),
        (("Xyzzy", 10), "has no feature Xyzzy"),
        (("SensorWidth", 10), "does not let SensorWidth be set, or not with its other features as they are"),
        (("Width", 8), "takes Width from 16 to 1024, not 8"),
        (("Width", 1040), "takes Width from 16 to 1024, not 1040"),
        (("Width", 17), "takes Width in steps of 16 from 16, not 17"),
        (("Width", float("nan")), "takes a whole number for Width, not nan"),
        (("Width", 32.5), "takes a whole number for Width, not 32.5"),
        (("Width", True), "takes a whole number for Width, not True"),
        (("Gain", "much"), "takes a number for Gain, not 'much'"),
        (("Gain", float("nan")), "takes Gain from 0 to 20, not nan"),
        (("ReverseX", 1), "takes true or false for ReverseX, not 1"),
        (("UserSetLoad", "now"), "takes true or false for UserSetLoad, not 'now'"),
        (("PixelFormat", "Mono9"), "knows no PixelFormat Mono9; did you mean Mono8?; it has Mono8, BayerRG8"),
        (("PixelFormat", True), "knows no PixelFormat On; it has Mono8, BayerRG8"),
    ],
)
def test_what_the_camera_does_not_take_is_said_before_it_is_set(nodes, wish, message):
    assert refusal(nodes, wish) == message
    assert not nodes.values
