import json
import os
import pwd
import socket
import stat
from contextlib import ExitStack
from threading import Event, Thread

import pytest

from inspector.control_socket import MOST_CLIENTS, listening
from inspector.errors import ListenError
from inspector.plc import LARGEST_MESSAGE, CommandReply


class Heard:
    """Takes every command, and replies when it may."""

    def __init__(self):
        self.messages = []
        self.may_reply = Event()
        self.may_reply.set()

    def __call__(self, message, answer):
        self.messages.append(message)
        assert self.may_reply.wait(20)
        answer(CommandReply(id=message.id, command=message.command, by=message.by, accepted=True, message="done"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def heard(path):
    heard = Heard()
    with listening(path, heard):
        yield heard


def connected(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(str(path))
    return client.makefile("rwb"), client


def ask(path, *lines):
    file, client = connected(path)
    with client, file:
        for line in lines:
            file.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        file.flush()
        client.shutdown(socket.SHUT_WR)
        return [json.loads(line) for line in file]


def test_each_line_is_replied_to_in_order_and_the_kernel_says_who_asks(heard, path):
    replies = ask(path, *({"id": str(n), "command": "pause", "by": "-", "station": "press-1"} for n in range(3)))

    assert [each["id"] for each in replies] == ["0", "1", "2"]
    me = f"{pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"
    assert {each["by"] for each in replies} == {each.by for each in heard.messages} == {me}
    assert heard.messages[0].station == "press-1"
    assert not hasattr(heard.messages[0].for_station(), "station")


def test_for_whom_a_client_asks_is_kept_beside_who_it_is(heard, path):
    (reply,) = ask(path, {"id": "1", "command": "pause", "by": "anna", "station": "press-1"})

    assert reply["by"] == f"anna by way of {pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"


def test_a_name_that_is_as_long_as_it_can_be_leaves_room_for_who_asks(heard, path):
    (reply,) = ask(path, {"id": "1", "command": "pause", "by": "x" * 200, "station": "press-1"})

    assert reply["accepted"]
    assert heard.messages[0].for_station().by.startswith("x" * 200 + " by way of ")


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"\xff\n", b'{"id": "1", "command": "explode", "by": "x"}\n', b"x" * (LARGEST_MESSAGE + 9)]
)
def test_what_is_no_command_is_refused_and_changes_nothing(heard, path, line):
    (reply,) = ask(path, line)

    assert (reply["accepted"], reply["id"]) == (False, None)
    assert heard.messages == []
    assert ask(path, {"id": "1", "command": "pause", "by": "x"})[0]["accepted"]


def test_owner_and_group_may_use_it_and_nobody_else_and_nothing_is_left_behind(path):
    with listening(path, Heard()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660

    assert not path.exists()


def test_what_a_killed_daemon_left_is_taken_over(path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    with listening(path, Heard()):
        assert ask(path, {"id": "1", "command": "pause", "by": "x"})


def test_that_of_a_living_one_is_not(heard, path):
    with pytest.raises(ListenError, match="another inspector listens"), listening(path, Heard()):
        pass

    assert ask(path, {"id": "1", "command": "pause", "by": "x"})


def test_a_file_that_is_no_socket_is_not_touched(path):
    path.write_text("precious")

    with pytest.raises(ListenError, match=r"control: cannot listen on .*control\.sock"), listening(path, Heard()):
        pass
    assert path.read_text() == "precious"


def test_without_its_folder_it_says_so(tmp_path):
    with pytest.raises(ListenError, match="is its folder there"), listening(tmp_path / "none" / "x", Heard()):
        pass


def test_a_client_that_waits_for_long_keeps_no_other_waiting(heard, path):
    heard.may_reply.clear()
    slow = []
    waiting = Thread(target=lambda: slow.append(ask(path, {"id": "1", "command": "deploy", "by": "x"})))
    waiting.start()
    file, client = connected(path)
    with client, file:
        file.write(b"{}\n")
        file.flush()
        assert not json.loads(file.readline())["accepted"]
    heard.may_reply.set()
    waiting.join(20)

    assert slow[0][0]["accepted"]


def test_a_command_without_an_answer_holds_its_client_for_no_more_than_so_long(path, monkeypatch):
    monkeypatch.setattr("inspector.control_socket.LONGEST_WORK_S", 0.05)
    with listening(path, lambda message, answer: None):
        (reply,) = ask(path, {"id": "1", "command": "deploy", "by": "x"})

    assert (reply["accepted"], reply["message"]) == (False, "no answer yet; ask for the status")


def test_a_bug_behind_the_socket_ends_the_daemon_as_everywhere(path, monkeypatch):
    crashes = []
    monkeypatch.setattr("threading.excepthook", crashes.append)
    with listening(path, lambda message, answer: 1 / 0):
        assert ask(path, {"id": "1", "command": "pause", "by": "x"}) == []

    assert [each.exc_type for each in crashes] == [ZeroDivisionError]


def test_more_clients_than_there_are_places_for_are_sent_away(heard, path):
    with ExitStack() as clients:
        for _ in range(MOST_CLIENTS):
            file, client = connected(path)
            clients.enter_context(client)
            clients.enter_context(file)
            file.write(b"{}\n")
            file.flush()
            assert file.readline()  # it has its place once it is answered
        file, client = connected(path)
        with client, file:
            assert file.readline() == b""
