import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.augment import Augmentation, AugmentSettings, ColourPca

OFF = dict.fromkeys(AugmentSettings.model_fields, 0)
COLOURLESS = ColourPca(vectors=np.eye(3), variances=np.zeros(3))


def picture(seed: int = 0, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth_picture(height: int = 64, width: int = 64) -> np.ndarray:
    return cv2.GaussianBlur(picture(1, height, width), (0, 0), 4)


def only(**settings: float) -> Augmentation:
    return Augmentation(AugmentSettings.model_validate(OFF | settings), COLOURLESS)


def draws(augmentation: Augmentation, pixels: np.ndarray, number: int = 40) -> list[np.ndarray]:
    return [augmentation(pixels, np.random.default_rng(seed)) for seed in range(number)]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32))
def test_everything_off_is_the_identity(height, width, seed):
    pixels = picture(seed, height, width)
    colours = ColourPca.fit([picture(2)])
    augmented = Augmentation(AugmentSettings.model_validate(OFF), colours)(pixels, np.random.default_rng(seed))
    np.testing.assert_array_equal(augmented, pixels)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**32))
def test_keeps_shape_type_and_its_input_and_repeats_itself(height, width, seed):
    pixels = picture(seed, height, width)
    before = pixels.copy()
    augmentation = Augmentation(AugmentSettings(blur=2, noise=0.1), ColourPca.fit([pixels]))
    first, second = (augmentation(pixels, np.random.default_rng((seed, 1, 2))) for _ in range(2))
    assert first.shape == pixels.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(pixels, before)


def test_another_seed_gives_another_picture():
    augmented = draws(Augmentation(AugmentSettings(), COLOURLESS), picture())
    assert len({pixels.tobytes() for pixels in augmented}) == len(augmented)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"flip_horizontal": True}, [np.s_[:, :], np.s_[:, ::-1]]),
        ({"flip_vertical": True}, [np.s_[:, :], np.s_[::-1, :]]),
        (
            {"flip_horizontal": True, "flip_vertical": True},
            [np.s_[:, :], np.s_[:, ::-1], np.s_[::-1, :], np.s_[::-1, ::-1]],
        ),
    ],
)
def test_flips_are_exact_and_each_of_them_happens(settings, expected):
    pixels = picture()
    seen = {augmented.tobytes() for augmented in draws(only(**settings), pixels)}
    assert seen == {pixels[flip].tobytes() for flip in expected}


def test_warp_matrix_turns_scales_and_shifts_within_its_limits():
    augmentation = only(rotate_degrees=30, scale=0.25, shift=0.1)
    height, width = 40, 80
    centre = np.array([width - 1, height - 1, 2]) / 2
    matrices = [augmentation._warp_matrix(height, width, np.random.default_rng(seed)) for seed in range(500)]
    angles = np.degrees([np.arctan2(matrix[1, 0], matrix[0, 0]) for matrix in matrices])
    zooms = np.array([np.linalg.det(matrix[:, :2]) ** 0.5 for matrix in matrices])
    moves = np.array([matrix @ centre - centre[:2] for matrix in matrices])
    assert np.abs(angles).max() == pytest.approx(30, rel=0.05)
    assert zooms.min() == pytest.approx(1 / 1.25, rel=0.02)
    assert zooms.max() == pytest.approx(1.25, rel=0.02)
    np.testing.assert_allclose(np.abs(moves).max(axis=0), [8, 4], rtol=0.05)
    assert np.abs(angles).max() <= 30
    assert zooms.max() <= 1.25
    assert (np.abs(moves) <= [8, 4]).all()


def test_a_shift_moves_the_pixels_and_mirrors_the_border(monkeypatch):
    pixels = picture()
    augmentation = only(shift=0.5)
    matrix = np.array([[1.0, 0, 3], [0, 1, 0]])
    monkeypatch.setattr(Augmentation, "_warp_matrix", lambda *_: matrix)
    moved = augmentation(pixels, np.random.default_rng(0))
    np.testing.assert_array_equal(moved[:, 3:], pixels[:, :-3])
    np.testing.assert_array_equal(moved[:, :3], pixels[:, 3:0:-1])


def test_brightness_moves_all_levels_alike_within_its_limit():
    pixels = np.full((8, 8, 3), 128, np.uint8)
    means = np.array([augmented.mean() - 128 for augmented in draws(only(brightness=0.2), pixels, 200)])
    assert np.abs(means).max() <= 51
    assert means.max() > 40
    assert means.min() < -40


def test_contrast_spreads_the_levels_about_the_mean():
    pixels = smooth_picture()
    spreads = np.array([augmented.std() / pixels.std() for augmented in draws(only(contrast=0.5), pixels, 200)])
    assert spreads.min() == pytest.approx(0.5, abs=0.05)
    assert spreads.max() == pytest.approx(1.5, abs=0.05)
    assert np.mean([augmented.mean() for augmented in draws(only(contrast=0.5), pixels)]) == pytest.approx(
        pixels.mean(), abs=0.5
    )


def test_blur_smooths_and_noise_roughens():
    pixels = smooth_picture()
    roughness = np.abs(np.diff(pixels.astype(int), axis=1)).mean()
    blurred, noisy = (
        np.mean([np.abs(np.diff(augmented.astype(int), axis=1)).mean() for augmented in draws(augmentation, pixels)])
        for augmentation in (only(blur=3), only(noise=0.1))
    )
    assert blurred < roughness < noisy


def test_noise_has_the_given_spread_at_most():
    pixels = np.full((64, 64, 3), 128, np.uint8)
    spreads = [augmented.std() for augmented in draws(only(noise=0.1), pixels, 100)]
    assert max(spreads) == pytest.approx(25.5, rel=0.1)


def slow_covariance(pictures: list[np.ndarray]) -> np.ndarray:
    """Pixel by pixel, as the definition says."""
    values = [[channel / 255 for channel in pixel] for pixels in pictures for row in pixels for pixel in row]
    mean = [sum(value[i] for value in values) / len(values) for i in range(3)]
    return np.array(
        [[sum((v[i] - mean[i]) * (v[j] - mean[j]) for v in values) / len(values) for j in range(3)] for i in range(3)]
    )


def test_principal_colours_are_those_of_the_slow_covariance():
    pictures = [picture(1, 6, 9), picture(2, 5, 4) // 3]
    colours = ColourPca.fit(iter(pictures))
    covariance = slow_covariance(pictures)
    np.testing.assert_allclose(colours.vectors.T @ colours.vectors, np.eye(3), atol=1e-12)
    for vector, variance in zip(colours.vectors.T, colours.variances, strict=True):
        np.testing.assert_allclose(covariance @ vector, variance * vector, atol=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_colour_shift_is_the_published_formula(factors):
    colours = ColourPca.fit([picture(1), picture(2) // 2])
    slow = [
        sum(255 * colours.vectors[channel, i] * factors[i] * colours.variances[i] for i in range(3))
        for channel in range(3)
    ]
    np.testing.assert_allclose(colours.shift(np.array(factors)), slow, atol=1e-9)


def test_pca_colour_shifts_every_pixel_by_the_drawn_factors():
    pixels = picture() // 2 + 64
    colours = ColourPca.fit([picture(3)])
    augmentation = Augmentation(AugmentSettings.model_validate(OFF | {"pca_colour": 0.5}), colours)
    shifts = np.array([(augmented.astype(int) - pixels)[0, 0] for augmented in draws(augmentation, pixels, 2000)])
    one = augmentation(pixels, np.random.default_rng(7)).astype(int) - pixels
    assert (one == one[0, 0]).all()
    # The factors are N(0, 0.5), so the covariance of the shifts is V diag((255 * 0.5 * l)^2) V^T.
    expected = colours.vectors @ np.diag((255 * 0.5 * colours.variances) ** 2) @ colours.vectors.T
    np.testing.assert_allclose(np.cov(shifts.T), expected, atol=0.15 * expected.max())


def test_grey_pictures_stay_grey_under_their_own_colours():
    grey = np.repeat(picture()[:, :, :1], 3, axis=2)
    augmentation = Augmentation(AugmentSettings.model_validate(OFF | {"pca_colour": 1}), ColourPca.fit([grey]))
    for augmented in draws(augmentation, grey):
        np.testing.assert_array_equal(augmented, augmented[:, :, :1].repeat(3, axis=2))


def test_colours_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        ColourPca.fit([])


@pytest.mark.parametrize("name", sorted(set(OFF) - {"flip_horizontal", "flip_vertical"}))
def test_no_setting_may_be_negative(name):
    with pytest.raises(ValueError, match=name):
        AugmentSettings.model_validate({name: -0.1})
