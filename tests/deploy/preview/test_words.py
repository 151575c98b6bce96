import pytest

from tests.deploy.preview.words import words


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0312, "percentunit", "3.12 %"),
        (0, "s", "0 s"),
        (0.0184, "s", "18.4 ms"),
        (90, "s", "1.5 min"),
        (-40 * 86400, "s", "-40 days"),
        (2_500_000, "bytes", "2.38 MiB"),
        (512, "Bps", "512 B/s"),
        (12.04, "reqps", "12/s"),
        (1500, "short", "1.5 K"),
        (float("nan"), "short", "-"),
    ],
)
def test_numbers_are_short_and_have_their_unit(value, unit, expected):
    assert words(value, unit) == expected
