"""What every engine promises, whatever runs the network. A new kind needs one example here."""

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import pytest

from inspector.bundle import MODEL
from inspector.engines import Engine, EngineKind, can_run
from inspector.errors import BundleError, ConfigError
from inspector.inspection import Features
from tests.parts import SIZE, good_parts, scratched_parts
from tests.requirements import needs

EXAMPLES = {
    "onnxruntime": Engine("onnxruntime", threads=1),
    "openvino": Engine("openvino", threads=1),
    "cuda": Engine("cuda"),
    "tensorrt": Engine("tensorrt"),
}
ON_A_GPU = {"cuda", "tensorrt"}
PARTS = ("embedding", "pooled", "patches")
PICTURES = np.concatenate([good_parts(3, seed=3), scratched_parts(3, seed=3)])


@pytest.fixture(scope="session")
def model(small_bundle):
    return small_bundle / MODEL


@pytest.fixture(scope="session", params=EXAMPLES)
def engine(request):
    if request.param in ON_A_GPU and not can_run(request.param):
        pytest.skip("needs an NVIDIA GPU and onnxruntime-gpu")
    needs(can_run(request.param), f"{request.param} (pip install 'line-inspector[{request.param}]')")
    return EXAMPLES[request.param]


@pytest.fixture(scope="session")
def embedder(engine, model):
    return engine.open(model)


@pytest.fixture(scope="session")
def expected(model):
    return Engine(threads=1).open(model).embed(PICTURES)


def assert_close(features: Features, expected: Features):
    for part in PARTS:
        np.testing.assert_allclose(getattr(features, part), getattr(expected, part), rtol=1e-4, atol=1e-3, err_msg=part)


def rows(features, chosen):
    return Features(*(getattr(features, part)[chosen] for part in PARTS))


def test_no_kind_is_missing_in_the_list():
    assert EXAMPLES.keys() == set(get_args(EngineKind))


def test_the_input_size_is_the_graphs(embedder):
    assert embedder.input_size == (SIZE, SIZE)


@pytest.mark.parametrize("n", [1, 2, 6])
def test_each_picture_has_its_features(embedder, expected, n):
    features = embedder.embed(PICTURES[:n])

    for part in PARTS:
        array = getattr(features, part)
        assert array.dtype == np.float32
        assert array.shape == (n, *getattr(expected, part).shape[1:])


def test_all_engines_agree(embedder, expected):
    assert_close(embedder.embed(PICTURES), expected)


def test_a_batch_is_seen_as_its_pictures_one_by_one(embedder):
    together = embedder.embed(PICTURES)

    for i in range(len(PICTURES)):
        assert_close(embedder.embed(PICTURES[i : i + 1]), rows(together, slice(i, i + 1)))


def test_what_was_handed_out_is_not_overwritten(embedder):
    first = embedder.embed(PICTURES[:1])
    before = Features(*(getattr(first, part).copy() for part in PARTS))

    for i in range(1, len(PICTURES)):
        embedder.embed(PICTURES[i : i + 1])

    for part in PARTS:
        np.testing.assert_array_equal(getattr(first, part), getattr(before, part))


def test_the_same_buffer_may_hold_the_next_picture(embedder, expected):
    buffer = np.empty_like(PICTURES[:1])

    for i, picture in enumerate(PICTURES):
        buffer[0] = picture
        assert_close(embedder.embed(buffer), rows(expected, slice(i, i + 1)))


@pytest.mark.parametrize("kind", ["a view of every other column", "mirrored", "read only"])
def test_pictures_may_lie_as_they_like(embedder, expected, kind):
    if kind == "a view of every other column":
        pictures = np.repeat(PICTURES, 2, axis=2)[:, :, ::2]
    elif kind == "mirrored":
        pictures = PICTURES[:, :, ::-1].copy()[:, :, ::-1]
    else:
        pictures = PICTURES.copy()
        pictures.setflags(write=False)

    assert_close(embedder.embed(pictures), expected)


def test_two_threads_at_once_get_each_their_own(embedder, expected):
    def embed_often(i):
        return [embedder.embed(PICTURES[i : i + 1]) for _ in range(50)]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(embed_often, [0, 5]))

    for i, answer in zip([0, 5], answers, strict=True):
        for features in answer:
            assert_close(features, rows(expected, slice(i, i + 1)))


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"no graph"])
def test_a_file_that_is_no_graph_is_named(engine, model, tmp_path, spoil):
    spoilt = tmp_path / "spoilt.onnx"
    spoilt.write_bytes(spoil(model.read_bytes()))

    with pytest.raises(BundleError, match=r"spoilt\.onnx: .* cannot load it"):
        engine.open(spoilt)


@pytest.mark.parametrize("kind", [kind for kind in EXAMPLES if not can_run(kind)])
def test_a_missing_engine_says_what_to_install(kind, model):
    with pytest.raises(ConfigError, match=r"install .*, or take engine: onnxruntime"):
        EXAMPLES[kind].open(model)
