import logging
import ssl
from socket import gaierror

import pytest

from inspector.sinks.mqtt_trouble import Broker, Episode

BROKER = Broker("press-1", "plant:1883", "inspector-press-1", "press")
ANONYMOUS = Broker("press-1", "plant:1883", "inspector-press-1", None)


@pytest.mark.parametrize(
    ("broker", "reason", "advice"),
    [
        (BROKER, "Not authorized", "check user name and password_file"),
        (ANONYMOUS, "Not authorized", "set username and password_file"),
        (BROKER, "Client identifier not valid", "does not take inspector-press-1"),
        (BROKER, "Unsupported protocol version", "set version"),
        (BROKER, "Server busy", "the broker's own log"),
    ],
)
def test_a_refusal_says_what_to_do(broker, reason, advice):
    assert broker.refused(reason).startswith(f"plant:1883 refused the connection: {reason}; ")
    assert advice in broker.refused(reason)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ConnectionRefusedError(), "is the broker running?"),
        (gaierror(-2, "Name or service not known"), "Name or service not known; check host"),
        (ssl.SSLError(1, "wrong version number"), "is this the broker's TLS port?"),
        (TimeoutError("timed out"), "timed out; check host, port, cable and firewall"),
        (None, "check host"),
    ],
)
def test_a_failed_attempt_says_where_to_look(error, advice):
    assert advice in BROKER.unreachable(error)


@pytest.mark.parametrize("reason", ["Session taken over", "Unspecified error"])
def test_a_lost_connection_may_be_another_client_of_the_same_id(reason):
    assert "inspector-press-1, too" in BROKER.lost(reason)


def test_a_denial_names_the_topic_and_the_user():
    assert "inspector/press-1: Not authorized; correct its access list for press" in BROKER.denied(
        "Not authorized", "inspector/press-1"
    )


def test_each_trouble_is_said_once_an_episode(caplog):
    episode = Episode("press-1")
    for trouble in ("away", "refused", "away", "refused"):
        episode.tell(logging.ERROR, trouble)
    episode.end()
    episode.tell(logging.ERROR, "away")

    assert [(record.message, record.station) for record in caplog.records] == [
        ("away", "press-1"),
        ("refused", "press-1"),
        ("away", "press-1"),
    ]
