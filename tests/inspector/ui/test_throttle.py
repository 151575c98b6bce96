from hypothesis import given
from hypothesis import strategies as st

from inspector.ui.throttle import FIRST_WAIT_S, FORGOTTEN_AFTER_S, FREE, LONGEST_WAIT_S, MOST, Throttle


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def fail(throttle, times, *keys):
    for _ in range(times):
        throttle.failed(*keys)


def test_some_failures_cost_nothing_then_each_doubles_the_wait():
    throttle = Throttle(Clock())

    fail(throttle, FREE - 1, "anna")
    assert throttle.wait_s("anna") == 0
    waits = []
    for _ in range(20):
        throttle.failed("anna")
        waits.append(throttle.wait_s("anna"))

    assert waits[:4] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S, 8 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S


def test_a_wait_passes():
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, FREE, "anna")

    clock.now_s = FIRST_WAIT_S

    assert throttle.wait_s("anna") == 0


def test_names_and_addresses_count_each_for_itself():
    throttle = Throttle(Clock())
    for name in range(FREE):
        throttle.failed(f"name {name}", "address 10.0.0.7")

    assert throttle.wait_s("name 0") == 0
    assert throttle.wait_s("name 0", "address 10.0.0.7") == FIRST_WAIT_S
    assert throttle.wait_s("name 9", "address 10.0.0.8") == 0


def test_who_knows_the_password_begins_anew():
    throttle = Throttle(Clock())
    fail(throttle, FREE, "anna", "address")

    throttle.succeeded("anna")

    assert throttle.wait_s("anna") == 0
    assert throttle.wait_s("address") > 0


def test_old_failures_are_forgotten():
    clock = Clock()
    throttle = Throttle(clock)
    fail(throttle, FREE + 3, "anna")

    clock.now_s = FORGOTTEN_AFTER_S + 1
    throttle.failed("anna")

    assert throttle.wait_s("anna") == 0


def test_inventing_names_takes_no_memory():
    throttle = Throttle(Clock())
    for name in range(MOST + 10):
        throttle.failed(str(name))

    assert len(throttle._failures) == MOST


@given(st.lists(st.tuples(st.sampled_from(["anna", "bert"]), st.floats(0, 400)), max_size=60))
def test_no_attempts_are_ever_quicker_than_the_waits_allow(attempts):
    """Whoever only tries when he may gets no more tries than the doubling waits leave room for."""
    clock = Clock()
    throttle = Throttle(clock)
    tried = {"anna": 0, "bert": 0}
    for name, later_s in attempts:
        clock.now_s += later_s
        if throttle.wait_s(name) <= 0:
            throttle.failed(name)
            tried[name] += 1
    for count in tried.values():
        waits_s = sum(min(FIRST_WAIT_S * 2**n, LONGEST_WAIT_S) for n in range(count - FREE))
        assert waits_s <= clock.now_s
