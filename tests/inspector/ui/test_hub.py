import asyncio

import pytest

from inspector.errors import ConfigError
from inspector.ui.board import Card
from inspector.ui.hub import WAITING, Hub


def card(station="press-1"):
    return Card(station, None, (), (), None, has_new_desk=False, picture=None)


class ScriptedBoard:
    """Each look gives what the script has next, then nothing."""

    def __init__(self, *script, known=()):
        self.script, self.known = list(script), list(known)

    def cards(self):
        return self.known

    def look(self):
        step = self.script.pop(0) if self.script else []
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("inspector.ui.hub.LOOK_S", 0)


async def watched(hub, count):
    found = []
    async for cards in hub.news("erna", 5):
        found.append(cards)
        if len(found) == count:
            return found
    return found


def run(hub, *watchers):
    async def all_of_it():
        work = asyncio.create_task(hub.run())
        found = await asyncio.gather(*watchers)
        work.cancel()
        return found

    return asyncio.run(asyncio.wait_for(all_of_it(), 20))


def test_a_watcher_gets_everything_as_it_is_then_what_is_new():
    known, new = card(), card()
    hub = Hub(ScriptedBoard([], [], [new], known=[known]))

    ((first, second),) = run(hub, watched(hub, 2))

    assert [each.station for each in first] == ["press-1"]
    assert first[0].has_new_desk
    assert second == [new]


def test_silence_is_told():
    hub = Hub(ScriptedBoard())

    async def silent():
        async for cards in hub.news("erna", 0.01):
            if not cards:
                return True
        return False

    assert run(hub, silent()) == [True]


def test_a_record_that_cannot_be_read_is_said_once_and_tried_again(caplog):
    trouble = ConfigError("press-1.sqlite is damaged")
    hub = Hub(ScriptedBoard(trouble, trouble, [], [], [card()]))

    (found,) = run(hub, watched(hub, 2))

    assert [len(cards) for cards in found] == [0, 1]
    assert caplog.text.count("is damaged") == 1


def test_a_watcher_that_does_not_keep_up_is_let_go():
    hub = Hub(ScriptedBoard())

    async def slow():
        stream = hub.news("erna", 5)
        await anext(stream)
        for _ in range(WAITING + 1):
            hub._tell(card())
        return [cards async for cards in stream]

    assert len(asyncio.run(slow())) == WAITING - 1


def test_a_card_is_drawn_once_for_each_language():
    hub, drawings = Hub(ScriptedBoard()), []

    def draw(card, code):
        drawings.append(code)
        return f"{card.station} in {code}"

    one, other = card(), card()
    assert [hub.drawn(one, "en", draw) for _ in range(3)] == ["press-1 in en"] * 3
    hub.drawn(one, "de", draw)
    hub.drawn(other, "en", draw)

    assert drawings == ["en", "de", "en"]
