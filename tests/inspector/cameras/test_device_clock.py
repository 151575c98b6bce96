import pytest

from inspector.cameras.device_clock import DeviceClock


def taken(*pictures):
    """When pictures were taken, by their stamps and arrivals."""
    clock = DeviceClock()
    return [clock.taken_s(stamped_s, arrived_s) for stamped_s, arrived_s in pictures]


def test_the_first_picture_tells_nothing_and_the_next_ones_by_the_quickest():
    assert taken((7, 100), (8, 100.5), (9, 101.75), (10, 102.5)) == [
        None,
        100.5,
        pytest.approx(101.5, abs=0.001),
        pytest.approx(102.5, abs=0.001),
    ]


def test_a_picture_that_was_held_back_is_known_to_be_old():
    *_, held = taken((0, 50), (1, 51), (2, 57))

    assert held == pytest.approx(52, abs=0.002)


def test_it_is_never_taken_after_it_came():
    assert all(
        taken_s is None or taken_s <= arrived_s
        for taken_s, arrived_s in zip(taken((0, 9), (1, 9.5), (2, 9.6), (3, 12)), (9, 9.5, 9.6, 12), strict=True)
    )


@pytest.mark.parametrize("drift", [-100e-6, 100e-6])
def test_the_drift_of_a_quartz_clock_does_not_add_up(drift):
    pictures = [(1000 + second * (1 + drift), second) for second in range(100_000)]

    *_, last = taken(*pictures)

    assert last == pytest.approx(pictures[-1][1], abs=0.001)


def test_a_clock_that_stands_still_or_goes_back_tells_nothing():
    assert taken((0, 1), (0, 2), (0, 3)) == [None] * 3
    assert taken((500, 1), (501, 2), (3, 3), (4, 4)) == [None, 2, None, 4]


def test_a_clock_that_was_set_ahead_is_believed_from_then_on():
    assert taken((0, 10), (1, 11), (1_000_000, 12), (1_000_001, 13.5)) == [None, 11, 12, pytest.approx(13, abs=0.001)]


def test_the_same_stamp_again_does_not_make_the_next_picture_look_younger():
    assert taken((0, 10), (1, 11), (1, 19), (2, 20))[-1] == pytest.approx(12, abs=0.01)
