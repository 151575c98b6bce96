import numpy as np
import pytest

from inspector.bench.chart import BARS, BLUE, HEAD, MARGIN, PANEL, TITLE, WIDTH, chart
from inspector.bench.figures import row_of


@pytest.fixture(scope="module")
def picture(one_station, two_stations):
    seen = [one_station, two_stations]
    return chart([row_of(each) for each in seen], seen)


def test_each_row_has_a_panel_below_the_heading(picture):
    assert picture.shape == (HEAD + 2 * PANEL + 20, WIDTH, 3)


@pytest.mark.parametrize("number", [0, 1])
def test_the_bars_of_a_panel_stand_on_its_axis(picture, number):
    top = HEAD + number * PANEL + TITLE
    plot = picture[top : top + BARS, MARGIN : WIDTH - MARGIN]

    is_blue = (np.abs(plot.astype(int) - BLUE) < 40).all(axis=2)

    assert is_blue.any()
    assert (picture[top + BARS + 2, MARGIN:-MARGIN] != 255).any()


def test_there_is_air_around(picture):
    assert (picture[:, : MARGIN - 10] == 255).all()
    assert (picture[:, WIDTH - MARGIN + 10 :] == 255).all()
