import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional

from inspector.bundle import read_bundle
from inspector.errors import ConfigError
from inspector.inspection import Outcome
from inspector.settings import read_settings
from tests.parts import SIZE, good_parts, scratched_parts, small_config
from training.config import TrainingConfig
from training.export import export, golden_pictures
from training.fit import fit_model
from training.network import Network, NetworkSettings
from training.seen import TrainingSet
from training.tiling import Tiled, TilesSettings

TILE = (96, 128)
TILES = TilesSettings(rows=2, columns=3, overlap=64)
STRIDES = (16, 32)


class Averages(nn.Module):
    """A backbone that sees no farther than a place itself: the joined map is known to the last place."""

    def forward(self, pictures):
        return [functional.avg_pool2d(pictures, stride) for stride in STRIDES]


def pictures(n, height, width):
    return 255 * torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def seen():
    return pictures(4, *TILES.picture_size(TILE))


@pytest.mark.parametrize(("rows", "columns", "overlap"), [(2, 3, 64), (1, 4, 64), (5, 1, 0), (2, 2, 0), (3, 4, 64)])
def test_places_that_see_only_themselves_show_no_seam(rows, columns, overlap):
    tiles = TilesSettings(rows=rows, columns=columns, overlap=overlap)
    whole = pictures(2, *tiles.picture_size(TILE))

    for joined, expected in zip(Tiled(Averages(), tiles, TILE)(whole), Averages()(whole), strict=True):
        torch.testing.assert_close(joined, expected)


def test_the_picture_is_what_the_tiles_cover():
    # Two rows of 96 that share 64, three columns of 128 that share 64.
    assert TILES.picture_size(TILE) == (128, 256)
    assert TilesSettings(rows=3, columns=4, overlap=64).picture_size((224, 224)) == (544, 704)
    assert NetworkSettings(tiles={"rows": 2, "columns": 3}).picture_size == (384, 544)
    assert NetworkSettings(input_size=(100, 90)).picture_size == (100, 90)


def test_each_place_is_that_of_the_tile_whose_middle_is_nearest(seen):
    """The slow way: for every place of the grid the nearest tile is looked for, and seen alone."""
    backbone = Network(NetworkSettings(input_size=TILE), learned=False).eval().trunk.maps
    stride = 16

    with torch.no_grad():
        joined = Tiled(backbone, TILES, TILE)(seen[:1])[0][0]
        for row, column in np.ndindex(*joined.shape[1:]):
            place = (stride * (row + 0.5), stride * (column + 0.5))
            top, left = (
                min((number * (side - 64) for number in range(count)), key=lambda start: abs(start + side / 2 - at))
                for at, side, count in zip(place, TILE, (2, 3), strict=True)
            )
            alone = backbone(seen[:1, :, top : top + TILE[0], left : left + TILE[1]])[0][0]
            own = alone[:, row - top // stride, column - left // stride]
            torch.testing.assert_close(joined[:, row, column], own, atol=1e-4, rtol=1e-4)


def test_a_pictures_tiles_stay_its_own(seen):
    network = Network(NetworkSettings(input_size=TILE, tiles=TILES), learned=True).eval()

    with torch.no_grad():
        together = network.see(seen)
        alone = [network.see(seen[i : i + 1]) for i in range(len(seen))]

    for all_of, ones in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(all_of, torch.cat(ones), atol=1e-3, rtol=1e-3)


def test_pooled_features_are_of_the_whole_picture(seen):
    trunk = Network(NetworkSettings(input_size=TILE, tiles=TILES), learned=True).eval().trunk

    with torch.no_grad():
        maps = trunk.maps((seen - trunk.mean) / trunk.std)
        pooled, patches = trunk(seen)

    assert patches.shape[2:] == (128 // 16, 256 // 16)
    expected = torch.cat([each for m in maps for each in (m.mean((2, 3)), m.std((2, 3), correction=0))], 1)
    torch.testing.assert_close(pooled, expected, atol=2e-3, rtol=1e-3)


def test_a_picture_of_another_size_is_refused(seen):
    with pytest.raises(ValueError, match=r"pictures of \(127, 256\) pixels, but the tiles cover \(128, 256\)"):
        Tiled(Averages(), TILES, TILE)(seen[:, :, 1:])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tiles": {"rows": 1, "columns": 1}}, "one tile is the whole picture"),
        ({"tiles": {"rows": 2, "columns": 2, "overlap": 70}}, "multiple of 64, .*: give 64 or 128, not 70"),
        ({"tiles": {"rows": 2, "columns": 2, "overlap": 256}}, "less than the tile's 224 pixels, not 256"),
        ({"tiles": {"rows": 2, "columns": 2}, "input_size": (260, 256)}, "multiples of 32, the largest stride"),
        ({"tiles": {"rows": 2, "columns": 2, "overlap": 32}}, "multiple of 64"),
        ({"tiles": {"rows": 0, "columns": 2}}, "greater than 0"),
        ({"tiles": {"rows": 2, "columns": 2, "overlap": -64}}, "greater than or equal to 0"),
    ],
)
def test_tiles_that_do_not_join_are_refused(changes, says):
    with pytest.raises(ValidationError, match=says):
        NetworkSettings(**changes)


def test_a_mistake_names_its_file_and_line(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "name: a\noutput: b\ndata: {root: c}\nnetwork:\n  tiles: {rows: 2, columns: 2, overlap: 20}\n"
    )

    with pytest.raises(ConfigError, match=r"a\.yaml: 1 to correct\n  At 'network' \(line 4\): tiles\.overlap: must be"):
        read_settings(tmp_path / "a.yaml", TrainingConfig)


@pytest.mark.parametrize("train", ["head", "all"])
def test_a_tiled_network_is_trained_and_exported_as_any_other(tmp_path, train):
    network = small_config().network.model_copy(
        update={"tiles": TilesSettings(rows=3, columns=2, overlap=0), "train": train}
    )
    config = small_config(network=network)
    data = TrainingSet(
        normal=sheets(good_parts(240)),
        held_out=sheets(good_parts(240, seed=1)),
        anomalies={"scratch": sheets(good_parts(24, seed=2), scratched_parts(4))},
        auxiliary={},
    )

    model = fit_model(config, data, run_dir=None)
    export(model, golden_pictures(model, data), tmp_path / "bundle", {"name": "sheets", "training": {}})

    bundle = read_bundle(tmp_path / "bundle")
    unseen = sheets(good_parts(48, seed=5), scratched_parts(8, seed=5))
    assert bundle.manifest.input_size == network.picture_size == unseen.shape[1:3]
    features = bundle.embedder.embed(unseen)
    np.testing.assert_allclose(bundle.scorer.score(features), model.score(unseen), rtol=1e-3, atol=1e-3)
    assert {each.outcome for each in bundle.judge(features)} == {Outcome.FAIL}


def sheets(parts, spoiled=()):
    """Six parts on each sheet, three rows of two; a spoiled one takes the place of one of them."""
    grids = parts.reshape(-1, 3, 2, *parts.shape[1:]).copy()
    for number, part in enumerate(spoiled):
        grids[number, number % 3, number % 2] = part
    return grids.transpose(0, 1, 3, 2, 4, 5).reshape(len(grids), 3 * SIZE, 2 * SIZE, 3)
