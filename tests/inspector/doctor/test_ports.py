import socket

from inspector.doctor.findings import Mark
from inspector.doctor.ports import look_at_ports
from inspector.doctor.running import Running
from tests.broker import free_port
from tests.inspector.doctor.subjects import a_subject, marks, the_bad


def test_a_free_port_is_good(tmp_path):
    port = free_port()

    assert marks(look_at_ports(a_subject(tmp_path, metrics={"port": port}))) == {"metrics.port": Mark.GOOD}


def test_somebody_elses_is_not_but_our_own_lines_is(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        metrics = {"port": somebody.getsockname()[1]}
        assert "cannot be listened on" in the_bad(look_at_ports(a_subject(tmp_path, metrics=metrics))).says

        ours = a_subject(tmp_path, metrics=metrics, running=Running({"press-1": True}))
        assert set(marks(look_at_ports(ours)).values()) == {Mark.GOOD}


def test_the_pages_port_is_looked_at_where_there_is_a_page(tmp_path):
    metrics, port = {"port": free_port()}, free_port()
    page = a_subject(tmp_path, metrics=metrics, ui={"folder": "ui", "port": port})
    assert marks(look_at_ports(page)) == {"metrics.port": Mark.GOOD, "ui.port": Mark.GOOD}

    with socket.create_server(("127.0.0.1", port)):
        assert "another ui.port" in the_bad(look_at_ports(page)).advice


def test_an_address_that_this_machine_does_not_have_is_told(tmp_path):
    metrics = {"host": "192.0.2.1", "port": free_port()}

    assert "192.0.2.1" in the_bad(look_at_ports(a_subject(tmp_path, metrics=metrics))).says
