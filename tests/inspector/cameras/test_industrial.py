import pytest

from inspector.cameras.features import Feature
from inspector.cameras.industrial import IndustrialSettings, Listed, chosen, naming
from inspector.errors import CameraError

SWITCH = Feature("enumeration", entries=["Off", "On"])
NUMBER = Feature("integer", least=0, most=4096)
FEATURES = {
    "AcquisitionMode": Feature("enumeration", entries=["SingleFrame", "Continuous"]),
    "Gain": Feature("float", least=0, most=20),
    "GevSCPSPacketSize": NUMBER,
    "OffsetX": NUMBER,
    "OffsetY": NUMBER,
    "Width": NUMBER,
    "Height": NUMBER,
    "TriggerSelector": Feature("enumeration", entries=["FrameStart", "AcquisitionStart", "ExposureEnd"]),
    "TriggerMode": SWITCH,
    "TriggerSource": Feature("enumeration", entries=["Software", "Line1"]),
    "TriggerActivation": Feature("enumeration", entries=["RisingEdge", "FallingEdge"]),
}


class Nodes:
    """A camera that notes what is set. The end of an exposure is an event and no trigger that could be switched."""

    def __init__(self, names=FEATURES, mode="SingleFrame"):
        self.values = {"AcquisitionMode": mode}
        self.said = []
        self._names = names

    def has(self, name):
        return name in self.names()

    def names(self):
        return self._names

    def describe(self, name):
        if name == "TriggerMode" and self.values.get("TriggerSelector") == "ExposureEnd":
            return Feature("enumeration", is_writable=False)
        return FEATURES[name]

    def read(self, name):
        return self.values[name]

    def write(self, name, value):
        self.values[name] = value
        self.said.append((name, value))


ALL_TRIGGERS_OFF = [
    ("TriggerSelector", "FrameStart"), ("TriggerMode", "Off"),
    ("TriggerSelector", "AcquisitionStart"), ("TriggerMode", "Off"),
    ("TriggerSelector", "ExposureEnd"),
]  # fmt: skip


def said(nodes, **settings):
    IndustrialSettings(kind="any", **settings).configure(nodes)
    return nodes.said


def test_a_camera_without_settings_runs_free_and_for_ever():
    assert said(Nodes()) == [("AcquisitionMode", "Continuous"), *ALL_TRIGGERS_OFF]


def test_what_a_camera_does_not_have_is_not_asked_for():
    assert said(Nodes(names=["AcquisitionMode", "TriggerMode"], mode="Continuous")) == [("TriggerMode", "Off")]
    assert said(Nodes(names=[])) == []


def test_features_come_before_the_region_that_they_may_limit_and_the_region_begins_in_the_corner():
    region = {"x": 8, "y": 16, "width": 640, "height": 480}

    assert said(Nodes(mode="Continuous"), features={"Gain": 2.0}, region=region, packet_size=1500) == [
        ("Gain", 2.0),
        ("GevSCPSPacketSize", 1500),
        *(("OffsetX", 0), ("OffsetY", 0), ("Width", 640), ("Height", 480), ("OffsetX", 8), ("OffsetY", 16)),
        *ALL_TRIGGERS_OFF,
    ]


def test_a_trigger_is_set_once_all_others_are_off():
    trigger = {"source": "Line1", "activation": "FallingEdge"}

    assert said(Nodes(mode="Continuous"), trigger=trigger) == [
        *ALL_TRIGGERS_OFF,
        *(("TriggerSelector", "FrameStart"), ("TriggerMode", "On"), ("TriggerSource", "Line1")),
        ("TriggerActivation", "FallingEdge"),
    ]


A = Listed("Basler", "ace", "1", "10.0.0.1", "left")
B = Listed("Basler", "ace", "2", "10.0.0.2", "right")
USB = Listed("Basler", "dart", "3")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"serial": "2"}, B),
        ({"address": "10.0.0.1"}, A),
        ({"user_id": "right"}, B),
        ({"serial": "3", "address": None}, USB),
    ],
)
def test_a_camera_is_found_by_what_is_known_of_it(wanted, found):
    assert chosen([A, B, USB], **wanted) == found


def test_a_camera_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(CameraError) as caught:
        chosen([A, USB], serial="2")
    assert str(caught.value) == (
        "is not there; listed: Basler ace (serial 1, at 10.0.0.1, left), Basler dart (serial 3)"
    )
    with pytest.raises(CameraError, match="is not there; listed: no camera at all"):
        chosen([], serial="2")
    with pytest.raises(CameraError, match="is not there; listed: Basler ace"):
        chosen([A, B], serial="2", address="10.0.0.1")


def test_two_cameras_of_one_name_are_not_guessed_between():
    twin = Listed("Basler", "ace", "4", "10.0.0.4", "left")

    with pytest.raises(CameraError, match=r"is not the only one of user_id left; listed: .*serial 1.*serial 4"):
        chosen([A, B, twin], user_id="left")


def test_errors_name_station_and_camera():
    with pytest.raises(CameraError, match=r"^station s1: camera 4711 is not there$"), naming("s1", "4711"):
        raise CameraError("is not there")
