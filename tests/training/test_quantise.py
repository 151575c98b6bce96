import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from inspector.engines import Engine, can_run
from inspector.engines.graph import INPUT
from inspector.errors import BundleError
from inspector.inspection import Outcome
from tests.parts import SIZE, frozen_network, good_parts, scratched_parts, small_training_set
from tests.requirements import needs
from training import quantise
from training.export import to_onnx
from training.network import Network
from training.quantise import LARGEST_WEIGHT, LEFT_IN_FLOAT, quantised
from training.tiling import TilesSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graph(exported):
    """The light network of a small bundle: ten convolutions, each with a ReLU behind it."""
    return (exported[1].path / "model.onnx").read_bytes()


@pytest.fixture(scope="module")
def int8(graph):
    return quantised(graph, small_training_set().normal)


def features(graph, pictures, tmp_path, kind="onnxruntime"):
    file = tmp_path / f"{hashlib.sha256(graph).hexdigest()}.onnx"
    file.write_bytes(graph)
    return Engine(kind, threads=1).open(file).embed(pictures)


def dequantised(model):
    """By the name of the tensor that a DequantizeLinear gives: its integers, if they are constant, and its scale."""
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return {
        node.output[0]: (constants.get(node.input[0]), constants[node.input[1]])
        for node in model.graph.node
        if node.op_type == "DequantizeLinear"
    }


def nothing_lost(_, convolutions, weights, __):
    return {node.name: np.zeros(len(weights[node.input[1]]), np.float32) for node in convolutions}


def of_type(model, *kinds):
    return [node for node in model.graph.node if node.op_type in kinds]


class TestWhichLayers:
    def test_convolutions_behind_the_first_few_take_integers(self, int8):
        model = onnx.load_from_string(int8)
        integers = dequantised(model)

        convolutions = of_type(model, "Conv")
        first, behind = convolutions[:LEFT_IN_FLOAT], convolutions[LEFT_IN_FLOAT:]

        assert len(behind) == 7
        assert not any(name in integers for node in first for name in node.input)
        assert all(name in integers for node in behind for name in node.input)

    def test_heads_and_statistics_stay_in_float(self, int8, graph):
        model, before = onnx.load_from_string(int8), onnx.load_from_string(graph)
        kinds = ("Gemm", "BatchNormalization", "ReduceMean", "ReduceL2", "Sub", "Div", "Sqrt")

        assert sorted(each.op_type for each in of_type(model, *kinds)) == sorted(
            each.op_type for each in of_type(before, *kinds)
        )
        heads = {name for node in of_type(model, "Gemm") for name in node.input}
        assert not heads & dequantised(model).keys()

    def test_activations_are_what_their_integers_can_hold(self, int8, graph):
        """A ReLU before 8 bits that begin at 0 does nothing more."""
        before = len(of_type(onnx.load_from_string(graph), "Relu"))

        assert len(of_type(onnx.load_from_string(int8), "Relu")) == before - 7

    def test_sums_of_integers_stay_integers(self, tmp_path):
        model = onnx.load_from_string(quantised(residual(), good_parts(8)))
        integers = dequantised(model)

        of_two_convolutions, of_the_picture = of_type(model, "Add")

        assert all(name in integers for name in of_two_convolutions.input)
        assert sum(name in integers for name in of_the_picture.input) == 1

    @pytest.mark.parametrize("convolutions", [0, LEFT_IN_FLOAT])
    def test_a_network_without_more_convolutions_is_refused(self, convolutions):
        with pytest.raises(BundleError, match="no convolutions to compute in 8 bits; leave int8 off"):
            quantised(chain([weights(3, 3)] * convolutions), good_parts(4))


class TestWeights:
    def test_two_products_always_fit_into_16_bits(self, int8):
        for integers, _ in dequantised(onnx.load_from_string(int8)).values():
            if integers is not None and integers.dtype == np.int8:
                assert 255 * 2 * np.abs(integers.astype(int)).max() <= np.iinfo(np.int16).max
                assert np.abs(integers).max() == LARGEST_WEIGHT

    def test_each_output_has_a_scale_of_its_own(self, int8):
        model = onnx.load_from_string(int8)
        integers = dequantised(model)

        for node in of_type(model, "Conv")[LEFT_IN_FLOAT:]:
            own, scales = integers[node.input[1]]
            assert scales.shape == own.shape[:1]
            assert len(set(scales.tolist())) > len(scales) // 2

    def test_biases_give_back_what_rounding_takes_from_the_mean(self, graph, tmp_path, monkeypatch):
        pictures = good_parts(32, seed=5)
        before = features(graph, pictures, tmp_path).patches

        def shift(after):
            return np.abs((after.patches - before).mean(axis=(0, 1, 2))).mean()

        corrected = shift(features(quantised(graph, good_parts(32)), pictures, tmp_path))
        monkeypatch.setattr(quantise, "_mean_outputs", nothing_lost)
        plain = shift(features(quantised(graph, good_parts(32)), pictures, tmp_path))

        assert corrected < 0.7 * plain

    def test_convolutions_may_share_a_bias_or_have_none(self, tmp_path):
        own, bias = [weights(3, 3, seed=seed) for seed in range(6)], np.float32([3, -2, 1])
        shared = chain(own, biases={3: bias, 4: bias})

        before, after = (outputs(each, good_parts(4)) for each in (shared, quantised(shared, good_parts(4))))

        assert np.linalg.norm(after - before) < 0.05 * np.linalg.norm(before)

    def test_convolutions_may_share_weights_and_have_dead_outputs(self):
        dead = weights(3, 3)
        dead[1] = 0
        shared = chain([weights(3, 3, seed=1), *[dead] * 5])

        before, after = (outputs(each, good_parts(4)) for each in (shared, quantised(shared, good_parts(4))))

        assert np.linalg.norm(after - before) < 0.05 * np.linalg.norm(before)
        assert np.abs(after[:, 1]).max() < 1e-3 * np.abs(after).max()


class TestSameAnswers:
    def test_normals_score_nearly_the_same(self, exported, graph, int8, tmp_path):
        model, bundle = exported
        parts = good_parts(60, seed=3)

        before, after = (model.scorer.score(features(each, parts, tmp_path)) for each in (graph, int8))

        assert np.corrcoef(before, after)[0, 1] > 0.97
        assert np.mean((before > bundle.threshold) == (after > bundle.threshold)) > 0.95

    def test_anomalies_beyond_the_range_of_normals_still_fail(self, exported, graph, int8, tmp_path):
        _, bundle = exported
        parts = scratched_parts(20, seed=3)

        before, after = (bundle.judge(features(each, parts, tmp_path)) for each in (graph, int8))

        # Their activations are cut off at the range of normals: how low they come to score differs among machines.
        clear = [new for old, new in zip(before, after, strict=True) if old.score > 1.1 * bundle.threshold]
        assert len(clear) > 10
        assert np.mean([each.outcome is Outcome.FAIL for each in clear]) >= 0.9

    def test_openvino_gives_the_same_features(self, int8, tmp_path):
        needs(can_run("openvino"), "openvino (pip install 'line-inspector[openvino]')")
        parts = np.concatenate([good_parts(4, seed=3), scratched_parts(4, seed=3)])

        here, there = (features(int8, parts, tmp_path, kind) for kind in ("onnxruntime", "openvino"))

        for name in ("embedding", "pooled", "patches"):
            distance = np.linalg.norm(getattr(here, name) - getattr(there, name))
            assert distance < 0.1 * np.linalg.norm(getattr(here, name))

    def test_tiles_are_quantised_together(self, tmp_path):
        torch.manual_seed(0)
        tiled = frozen_network(tiles=TilesSettings(rows=3, columns=2, overlap=0))
        graph, _ = to_onnx(Network(tiled, learned=False), *tiled.picture_size)
        sheets = np.tile(good_parts(8), (1, 3, 2, 1))

        before, after = (features(each, sheets, tmp_path).patches for each in (graph, quantised(graph, sheets)))

        assert np.linalg.norm(after - before) < 0.1 * np.linalg.norm(before)

    def test_it_takes_any_number_of_pictures(self, int8):
        session = ort.InferenceSession(int8, providers=["CPUExecutionProvider"])

        for n in (1, 5):
            assert [len(each) for each in session.run(None, {INPUT: good_parts(n)})] == [n, n, n]


class TestCalibration:
    def test_the_pictures_are_spread_over_all_normals(self, graph, monkeypatch):
        monkeypatch.setattr(quantise, "PICTURES", 4)
        normals = good_parts(40)

        assert quantised(graph, normals) == quantised(graph, normals[[0, 13, 26, 39]])

    def test_a_range_is_the_mean_of_what_pictures_have(self):
        """One odd picture does not make all others coarse."""
        kernels = [weights(3, 3, seed=seed) for seed in range(LEFT_IN_FLOAT + 1)]
        pictures = np.concatenate([good_parts(1), 3 * good_parts(1)])
        reached = np.stack([outputs(chain(kernels[:LEFT_IN_FLOAT]), each[None]) for each in pictures])

        model = onnx.load_from_string(quantised(chain(kernels), pictures))

        _, scale = dequantised(model)[of_type(model, "Conv")[-1].input[0]]
        axes = tuple(range(1, reached.ndim))
        assert 255 * scale == pytest.approx((reached.max(axis=axes) - reached.min(axis=axes)).mean(), rel=1e-4)

    def test_one_normal_is_enough(self, graph):
        assert len(quantised(graph, good_parts(1))) < len(graph) / 2

    def test_other_normals_give_other_ranges(self, graph, int8):
        assert quantised(graph, 255 - good_parts(40)) != int8

    def test_the_same_again_whatever_the_order_of_sets(self, exported, tmp_path):
        """The library goes through sets of names, whose order is another in each process."""
        program = (
            "import hashlib, sys; from pathlib import Path; import numpy as np\n"
            "from training.quantise import quantised\n"
            "graph, normals = (Path(each).read_bytes() for each in sys.argv[1:])\n"
            f"normals = np.frombuffer(normals, np.uint8).reshape(-1, {SIZE}, {SIZE}, 3)\n"
            "print(hashlib.sha256(quantised(graph, normals)).hexdigest())"
        )
        (tmp_path / "normals").write_bytes(good_parts(3).tobytes())

        said = {
            subprocess.run(
                [sys.executable, "-c", program, exported[1].path / "model.onnx", tmp_path / "normals"],
                env={**os.environ, "PYTHONHASHSEED": seed},
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for seed in ("1", "2")
        }

        assert len(said) == 1

    def test_nothing_is_printed_or_logged(self, graph, capfd, caplog):
        quantised(graph, good_parts(2))

        assert tuple(capfd.readouterr()) == ("", "")
        assert caplog.records == []


def weights(outputs_, inputs, seed=0):
    return np.random.default_rng(seed).standard_normal((outputs_, inputs, 3, 3)).astype(np.float32)


def chain(kernels, biases=None):
    """An ONNX file of 3 x 3 convolutions, one behind the other; equal arrays are one constant."""
    nodes, constants, last = seen_by_the_network()
    for number, own in enumerate(kernels):
        inputs = [last, constant(constants, own)]
        inputs += [constant(constants, biases[number])] if biases and number in biases else []
        last = f"map-{number}"
        nodes.append(helper.make_node("Conv", inputs, [last], name=f"conv-{number}", pads=[1] * 4))
    return file_of(nodes, constants, last)


def residual():
    """Four convolutions, of which the last's output is added to the one's before, and that to the picture's."""
    nodes, constants, picture = seen_by_the_network()
    last = picture
    for number in range(LEFT_IN_FLOAT + 2):
        kernel = constant(constants, weights(3, 3, seed=number))
        nodes.append(helper.make_node("Conv", [last, kernel], [f"map-{number}"], name=f"conv-{number}", pads=[1] * 4))
        last = f"map-{number}"
    nodes.append(helper.make_node("Add", [last, f"map-{LEFT_IN_FLOAT}"], ["of-two"], name="add-two"))
    nodes.append(helper.make_node("Add", ["of-two", picture], ["of-picture"], name="add-picture"))
    return file_of(nodes, constants, "of-picture")


def seen_by_the_network():
    nodes = [
        helper.make_node("Transpose", [INPUT], ["channels-first"], name="transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["channels-first"], ["picture"], name="cast", to=TensorProto.FLOAT),
    ]
    return nodes, {}, "picture"


def constant(constants, values):
    name = f"constant-{hashlib.sha256(values.tobytes()).hexdigest()[:8]}"
    constants[name] = numpy_helper.from_array(values, name)
    return name


def file_of(nodes, constants, output):
    taken = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", SIZE, SIZE, 3])
    given = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 3, SIZE, SIZE])
    graph = helper.make_graph(nodes, "chain", [taken], [given], list(constants.values()))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def outputs(graph, pictures):
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {INPUT: pictures})
    return found
