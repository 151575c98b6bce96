import ctypes

import pytest

from inspector.doctor import clock
from inspector.doctor.clock import look_at_clock
from inspector.doctor.findings import Mark


def test_the_kernel_is_asked_and_nothing_is_changed():
    """TIME_OK to TIME_ERROR, or -1 where it may not be asked."""
    assert clock._state() in range(-1, 6)


def test_the_answer_fits():
    """If the kernel wrote beyond what it is given, the process would be lost."""
    padded = ctypes.create_string_buffer(2 * clock.TIMEX_BYTES)
    ctypes.CDLL(None).adjtimex(padded)

    assert not any(padded.raw[clock.TIMEX_BYTES :])


@pytest.mark.parametrize(("state", "mark"), [(0, Mark.GOOD), (5, Mark.BAD), (-1, Mark.UNCLEAR)])
def test_what_it_means(monkeypatch, state, mark):
    monkeypatch.setattr(clock, "_state", lambda: state)

    (finding,) = look_at_clock(None)

    assert finding.mark is mark
