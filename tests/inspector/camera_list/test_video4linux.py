import pytest

from inspector.camera_list.video4linux import connected


@pytest.fixture
def sysfs(tmp_path):
    """A webcam with its two nodes, and a virtual camera, as sysfs shows them."""
    usb, virtual = tmp_path / "usb1" / "1-4", tmp_path / "virtual"
    for file, text in {"manufacturer": "Acme", "product": "LineCam 5", "serial": "A123"}.items():
        write(usb / file, text)
    for number, index, device in ((10, 0, usb / "1-4:1.0"), (2, 1, usb / "1-4:1.0"), (1, 0, virtual / "loop")):
        node = tmp_path / "class" / f"video{number}"
        device.mkdir(parents=True, exist_ok=True)
        write(node / "index", index)
        write(node / "name", f"camera {number}")
        (node / "device").symlink_to(device)
    return tmp_path / "class"


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def test_each_camera_is_listed_once_with_what_its_device_says(sysfs, tmp_path):
    webcam = connected(sysfs, tmp_path / "by-id")[-1]

    assert (webcam.vendor, webcam.model, webcam.serial, webcam.address) == ("Acme", "LineCam 5", "A123", "/dev/video10")
    assert len(connected(sysfs, tmp_path / "by-id")) == 2


def test_a_device_that_says_nothing_has_the_name_of_its_driver(sysfs, tmp_path):
    virtual = connected(sysfs, tmp_path / "by-id")[0]

    assert (virtual.vendor, virtual.model, virtual.serial) == ("", "camera 1", "")


def test_the_name_that_lasts_is_taken_where_there_is_one(sysfs, tmp_path):
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-Acme_LineCam_5_A123-video-index0").symlink_to("../../video10")

    assert connected(sysfs, by_id)[-1].address == str(by_id / "usb-Acme_LineCam_5_A123-video-index0")


def test_a_machine_without_cameras_has_none(tmp_path):
    assert connected(tmp_path / "nothing", tmp_path / "nothing") == []
