from collections import Counter

import numpy as np
import pytest

from inspector.cameras.simulated_defects import TYPES
from inspector.cameras.simulated_line import Line

HEIGHT, WIDTH = 240, 320


def line(seed=0, light=0.04, **shares):
    return Line(HEIGHT, WIDTH, seed, shares, light)


def test_the_same_seed_draws_the_same_parts_in_any_order():
    one, other = line(crack=0.5), line(crack=0.5)

    for number in (5, 2, 9):
        assert one.truth(number) == other.truth(number)
    assert np.array_equal(one.picture(5), [other.picture(number) for number in (9, 5)][1])


def test_parts_and_seeds_differ_but_the_product_is_the_same():
    pictures = [line().picture(0), line().picture(1), line(seed=1).picture(0)]

    differences = [np.abs(a.astype(int) - b).mean() for a, b in [pictures[:2], pictures[1:]]]
    assert all(2 < difference < 40 for difference in differences)


def test_the_truths_have_their_shares():
    some = line(crack=0.2, hair=0.1)
    drawn = Counter(some.truth(number) for number in range(2000))

    assert drawn["crack"] / 2000 == pytest.approx(0.2, abs=0.03)
    assert drawn["hair"] / 2000 == pytest.approx(0.1, abs=0.03)
    assert set(drawn) == {"good", "crack", "hair"}


@pytest.mark.parametrize("name", TYPES)
def test_a_defect_is_to_be_seen_on_one_biscuit_and_nowhere_else(name):
    spoilt, sound = line(**{name: 1.0}), line()
    for number in range(8):
        with_it, without = spoilt.picture(number).astype(int), sound.picture(number)
        changed = np.abs(with_it - without).max(axis=2) > 25
        rows, columns = np.nonzero(changed)

        assert 4 < changed.sum() < 0.1 * HEIGHT * WIDTH
        assert np.ptp(rows) < HEIGHT / 2
        assert np.ptp(columns) < WIDTH / 2


def test_metal_shines():
    with_it = line(metal_fragment=1.0).picture(0).astype(int)
    without = line().picture(0)

    assert (with_it - without).max() > 80


def test_the_lamp_wanders_as_far_as_it_is_told():
    def spread(light):
        lit = line(light=light)
        return np.std([lit.picture(number).mean() for number in range(0, 400, 20)])

    assert spread(0.2) > 3 * spread(0.0)
