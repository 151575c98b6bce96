import http.server
import threading

import pytest

from inspector.doctor.running import running
from tests.broker import free_port
from tests.inspector.doctor.subjects import a_subject

OURS = 'inspector_camera_up{station="press-1"} 0.0\n'


@pytest.fixture
def served():
    """A server whose page the test writes."""

    class Page(http.server.BaseHTTPRequestHandler):
        text = ""

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.text.encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        Page.port = server.server_port
        threading.Thread(target=server.serve_forever).start()
        yield Page
        server.shutdown()


def test_the_line_behind_the_port_is_this_one(tmp_path, served):
    served.text = OURS
    config = a_subject(tmp_path, metrics={"host": "0.0.0.0", "port": served.port}).config

    assert running(config)
    assert running(config).cameras == {"press-1": False}


@pytest.mark.parametrize("text", ["", OURS.replace("press-1", "press-2"), OURS + OURS.replace("-1", "-2"), "<html>{"])
def test_another_line_or_program_is_not(tmp_path, served, text):
    served.text = text

    assert not running(a_subject(tmp_path, metrics={"port": served.port}).config)


def test_nobody_is_not(tmp_path):
    assert not running(a_subject(tmp_path, metrics={"port": free_port()}).config)
