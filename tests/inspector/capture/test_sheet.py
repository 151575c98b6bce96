import numpy as np

from inspector.capture.sheet import COLUMNS, GAP, HEIGHT, ROWS, WIDTH, Preview, sheet, thumbnail
from inspector.pictures import read_picture


def test_a_thumbnail_keeps_its_shape_and_is_never_enlarged():
    assert thumbnail(np.zeros((480, 1280, 3), np.uint8)).shape == (75, 200, 3)
    assert thumbnail(np.zeros((30, 20, 3), np.uint8)).shape == (30, 20, 3)


def test_pictures_stand_in_rows_each_in_its_place():
    thumbnails = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in range(COLUMNS + 1)]

    drawn = sheet(thumbnails)

    assert drawn.shape == (2 * (HEIGHT + GAP) + GAP, COLUMNS * (WIDTH + GAP) + GAP, 3)
    assert drawn[GAP, GAP].tolist() == [0, 0, 0]
    assert drawn[GAP, GAP + 2 * (WIDTH + GAP)].tolist() == [2, 2, 2]
    assert drawn[2 * GAP + HEIGHT, GAP].tolist() == [COLUMNS] * 3
    assert drawn[-1, -1].tolist() == [255, 255, 255]


def test_the_preview_is_there_from_the_first_picture_on_and_shows_the_latest(tmp_path):
    preview = Preview(tmp_path / "_preview" / "normal.png")
    preview.write()
    assert not preview.path.exists()

    for level in range(COLUMNS * ROWS + 5):
        preview.add(np.full((HEIGHT, WIDTH, 3), level, np.uint8))
        assert preview.path.exists()
    preview.write()

    shown = read_picture(preview.path)
    assert shown[GAP, GAP].tolist() == [5, 5, 5]
    assert [path.name for path in preview.path.parent.iterdir()] == ["normal.png"]
