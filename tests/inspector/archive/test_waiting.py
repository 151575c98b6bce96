from threading import Thread

import numpy as np
import pytest

from inspector.archive.choice import Why
from inspector.archive.waiting import Waiting
from tests.archived import seen

SIZE = 24 * 32 * 3


@pytest.fixture
def waiting():
    return Waiting(most_bytes=3 * SIZE)


def taken(waiting):
    waiting.end()
    items = []
    while item := waiting.take():
        items.append(item.evidence)
    return items


def test_rejects_go_before_samples_each_in_their_order(waiting):
    sample, first, second = seen(), seen(), seen()
    assert waiting.put(sample, Why.SAMPLE) == waiting.put(first, Why.REJECT) == waiting.put(second, Why.REJECT) == 0

    assert taken(waiting) == [first, second, sample]


def test_a_sample_makes_room_for_whatever_comes(waiting):
    samples, reject, newer = [seen() for _ in range(3)], seen(), seen()
    for each in samples:
        waiting.put(each, Why.SAMPLE)

    assert waiting.put(reject, Why.REJECT) == 1
    assert waiting.put(newer, Why.SAMPLE) == 1

    assert taken(waiting) == [reject, samples[2], newer]


def test_where_only_rejects_wait_the_newcomer_goes(waiting):
    rejects = [seen() for _ in range(3)]
    for each in rejects:
        waiting.put(each, Why.REJECT)

    assert waiting.put(seen(), Why.REJECT) == waiting.put(seen(), Why.SAMPLE) == 1
    assert taken(waiting) == rejects


def test_a_large_newcomer_costs_as_many_samples_as_it_needs(waiting):
    for _ in range(3):
        waiting.put(seen(), Why.SAMPLE)
    large = seen(pixels=np.zeros((48, 32, 3), np.uint8))

    assert waiting.put(large, Why.REJECT) == 2
    assert waiting.bytes == 3 * SIZE


def test_a_picture_alone_is_never_too_large():
    waiting = Waiting(most_bytes=1)

    assert waiting.put(seen(), Why.REJECT) == 0
    assert waiting.put(seen(), Why.REJECT) == 1


def test_the_number_is_bounded_too():
    waiting = Waiting(most_bytes=10**9, most=2)

    assert [waiting.put(seen(), Why.NEAR_THRESHOLD) for _ in range(3)] == [0, 0, 1]
    assert len(waiting) == 2


def test_the_age_is_that_of_the_oldest_in_either_line():
    now = iter([5.0, 3.0])
    waiting = Waiting(10**6, clock=lambda: next(now))
    assert waiting.since_s is None
    waiting.put(seen(), Why.REJECT)
    waiting.put(seen(), Why.SAMPLE)

    assert waiting.since_s == 3.0
    assert taken(waiting)
    assert (waiting.bytes, waiting.since_s) == (0, None)


def test_whoever_takes_waits_for_the_next_and_for_the_end(waiting):
    items = []
    taker = Thread(target=lambda: items.extend([waiting.take(), waiting.take()]))
    taker.start()
    waiting.put(evidence := seen(), Why.REJECT)
    waiting.end()
    taker.join(20)

    assert [item and item.evidence for item in items] == [evidence, None]


def test_after_the_end_nothing_is_taken_in_and_what_is_left_can_be_given_up(waiting):
    waiting.put(seen(), Why.REJECT)
    waiting.end()

    assert waiting.put(seen(), Why.REJECT) == 1
    assert (waiting.give_up(), waiting.give_up(), waiting.bytes) == (1, 0, 0)
    assert waiting.take() is None
