"""The real daemon beside a real broker, with the plain JSON and Sparkplug at once."""

from tests.broker import Subscriber, wait_until
from tests.end_to_end.line import Line
from tests.inspector.sinks.sparkplug.assertions import messages, value
from tests.inspector.sinks.sparkplug.recorder import Recorder
from tests.parts import good_parts, scratched_parts, write_parts


def both_sinks(line: Line, json_port, sparkplug_port):
    mqtt = f"{{kind: mqtt, port: {json_port}}}"
    text = line.config.read_text().replace(
        mqtt, f"{mqtt}, {{kind: sparkplug, port: {sparkplug_port}, state_folder: .}}"
    )
    line.config.write_text(text)


def test_a_line_is_born_tells_every_verdict_and_dies(tmp_path, broker, small_bundle):
    folder = tmp_path / "press-1"
    write_parts(folder, good_parts(2, seed=3), "good")
    write_parts(folder, scratched_parts(2, seed=3), "scratched")
    recorder, subscriber = Recorder(broker.port), Subscriber(broker.port, "inspector/#")
    line = Line(tmp_path, broker.port, small_bundle, folder, mode="once")
    both_sinks(line, broker.port, recorder.port)
    with line:
        plain = subscriber.wait_for("result", 4)
        wait_until(lambda: line.process.poll() is not None, "the end of the pictures")
    subscriber.close()
    recorder.close()

    kinds = [each.kind for each in messages(recorder)]
    assert (kinds[0], kinds[-1], kinds.count("NBIRTH"), kinds.count("DBIRTH")) == ("NBIRTH", "NDEATH", 1, 1)
    verdicts = [
        (value(each.by_name["part_id"]), value(each.by_name["outcome"]), value(each.by_name["nearest_type"]))
        for each in messages(recorder, "DDATA")
    ]
    # What was judged before a connection comes behind what is live, and the two connections are not made at once.
    assert sorted(map(str, verdicts)) == sorted(
        str((each["part_id"], each["outcome"], each["nearest_type"])) for each in plain
    )
    assert line.process.returncode == 0
    assert (tmp_path / "inspector-press-1.bdseq").read_text() == "0\n"
