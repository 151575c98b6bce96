import json
import socket
import urllib.error
import urllib.request

import pytest

from inspector.errors import ListenError
from inspector.metrics_server import serving_metrics


@pytest.fixture
def silent():
    return []


@pytest.fixture
def port(silent):
    with serving_metrics("127.0.0.1", 0, lambda: silent) as port:
        yield port


def get(port, path):
    try:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode()


def test_it_is_healthy_while_every_heartbeat_is_fresh(port):
    status, body = get(port, "/health")

    assert (status, json.loads(body)) == (200, {"healthy": True, "silent": []})


def test_it_is_not_while_one_is_overdue_and_says_which_and_is_again(port, silent):
    silent.append("press-1")
    status, body = get(port, "/health")
    assert (status, json.loads(body)) == (503, {"healthy": False, "silent": ["press-1"]})

    silent.clear()
    assert get(port, "/health")[0] == 200


def test_the_metrics_are_where_prometheus_looks_for_them(port):
    status, body = get(port, "/metrics")

    assert status == 200
    assert "# TYPE inspector_inspections_total counter" in body


def test_an_address_in_ipv6_will_do():
    with serving_metrics("::1", 0, list) as port, socket.create_connection(("::1", port), 10):
        pass


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}"), serving_metrics("127.0.0.1", port, list):
            pass


def test_the_port_is_free_again_after_the_block(port):
    with serving_metrics("127.0.0.1", 0, list) as other:
        pass

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", other)) != 0
