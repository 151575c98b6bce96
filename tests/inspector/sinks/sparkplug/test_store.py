from hypothesis import given
from hypothesis import strategies as st

from inspector.sinks.sparkplug.store import Store
from tests.inspector.sinks.sparkplug.stories import inspection

STEPS = st.lists(st.sampled_from(["keep", "sent", "take", "confirm", "put_back"]), max_size=60)
RESULTS = [inspection(sequence) for sequence in range(60)]


@given(STEPS, st.integers(min_value=1, max_value=5))
def test_every_result_is_read_or_given_up_or_still_there(steps, size):
    store, given_up, coming = Store(size), 0, iter(RESULTS)
    sent, taken_in = 0, 0
    read_before = 0
    for step in steps:
        there = len(store)
        if step in {"keep", "sent"}:
            lost = getattr(store, step)(next(coming))
            taken_in += 1
            given_up += lost
            assert len(store) == min(there + 1, size)
            assert lost == (there == size)
        elif step == "take":
            sent += len(store.take(2))
            assert len(store) == there
        elif step == "confirm":
            store.confirm(store.last_number)
            read_before += there - len(store)
            assert not store.unconfirmed
        else:
            store.put_back()
            assert not store.unconfirmed
            assert len(store) == there
    assert read_before + given_up + len(store) == taken_in

    store.put_back()
    order = [each.sequence for each in store.take(size)]
    assert order == sorted(order)


def test_confirming_leaves_what_was_sent_later():
    store = Store(5)
    store.sent(RESULTS[0])
    number = store.last_number
    store.sent(RESULTS[1])
    store.confirm(number)

    store.put_back()
    assert store.take(5) == [RESULTS[1]]
