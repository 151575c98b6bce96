"""The real daemon tells that its pictures have changed, and judges on as before."""

import numpy as np
import pytest

from tests.broker import Subscriber, publish, wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, write_parts

WINDOW = 60


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port, "inspector/press-1/#")
    yield subscriber
    subscriber.close()


@pytest.fixture
def line(tmp_path, broker, small_bundle, subscriber):
    pictures = tmp_path / "press-1"
    write_parts(pictures, good_parts(2 * WINDOW, seed=11), "good")
    line = Line(tmp_path, broker.port, small_bundle, pictures, rate_hz=200)
    line.config.write_text(line.config.read_text() + f"    alarms: {{drift: {{window: {WINDOW}}}}}\n")
    with line:
        yield line


def change_pictures(folder):
    for path, picture in zip(sorted(folder.iterdir()), brighter(good_parts(2 * WINDOW, seed=12)), strict=True):
        draft = folder.with_name("draft.png")
        write_parts(draft.parent / "draft", [picture])[0].rename(draft)
        draft.replace(path)


def brighter(parts):
    return np.clip(parts * 1.5, 0, 255).astype(np.uint8)


def test_brighter_pictures_raise_a_retained_alarm_that_a_person_resets(line, subscriber, broker, tmp_path):
    subscriber.wait_for("result")  # whoever publishes shows metrics too
    line.wait_for_metric('inspector_drift_to_limit_ratio{of="embedding",station="press-1"}')
    assert 'inspector_alarm_active{alarm="drift",station="press-1"} 0.0' in line.metrics()

    change_pictures(tmp_path / "press-1")
    line.wait_for_metric('inspector_alarm_active{alarm="drift",station="press-1"} 1.0')

    late = Subscriber(broker.port, "inspector/press-1/#")
    (alarm,) = late.wait_for("alarm/drift")[:1]
    assert alarm["state"] == "active"
    assert alarm["message"].startswith("the camera, its lens or its light changed, as the last 60 parts show: ")
    assert [retained for topic, _, retained in late.messages if topic.endswith("alarm/drift")] == [True]

    for number, command in enumerate(("acknowledge", "reset")):
        publish(
            broker,
            "inspector/press-1/command",
            f'{{"id": "{number}", "command": "{command}", "alarm": "drift", "by": "anna"}}',
        )
    late.wait(lambda: [each["state"] for each in late.of("alarm/drift")][1:3] == ["acknowledged", "reset"], "the reset")
    wait_until(lambda: late.of("alarm/drift")[-1]["state"] == "active", "the alarm, since the change still is there")
    late.close()
