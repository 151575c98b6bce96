import socket

from inspector.doctor.control import look_at_control
from inspector.doctor.findings import Mark
from inspector.doctor.running import Running
from tests.inspector.doctor.subjects import a_subject, marks, the_bad

RUNNING = Running({"press-1": True})


def test_nothing_is_looked_at_where_no_socket_is_named(tmp_path):
    assert not list(look_at_control(a_subject(tmp_path, running=RUNNING)))


def test_a_line_that_does_not_run_has_none(tmp_path):
    subject = a_subject(tmp_path, control={"socket": "control.sock"})

    assert marks(look_at_control(subject)) == {"control socket": Mark.UNCLEAR}


def test_one_that_runs_answers_or_it_is_told(tmp_path):
    subject = a_subject(tmp_path, running=RUNNING, control={"socket": "control.sock"})
    assert "No such file" in the_bad(look_at_control(subject)).says

    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(tmp_path / "control.sock"))
        daemon.listen()
        assert marks(look_at_control(subject)) == {"control socket": Mark.GOOD}
