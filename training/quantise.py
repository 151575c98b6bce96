"""The exported network in 8-bit integers: about twice as quick on a plain CPU, and nearly the same.

Post-training static quantisation (Jacob et al. 2018) of the convolutions, one scale for each output channel.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from inspector.engines.graph import INPUT
from inspector.errors import BundleError
from inspector.inspection import Floats, Pixels

PICTURES: Final = 32
"""Normals that the ranges of the activations are read from."""

LEFT_IN_FLOAT: Final = 3
"""Convolutions at the start of the network. They are few operations, their weights are large and nearly cancel out, and
every layer behind them inherits their error."""

LARGEST_WEIGHT: Final = 64
"""Of 127: without VNNI, x86 adds two products of 8 bits in 16 bits, where 255 * 127 * 2 would not fit."""

LOST: Final = ".lost"
"""Ends the names of what rounding the weights takes away."""

Weights = dict[str, Floats]


def quantised(graph: bytes, normals: Pixels) -> bytes:
    """The ONNX file ``graph`` with its convolutions in 8 bits, their ranges read from (n, h, w, 3) training normals.

    Pooling, standardising and heads stay in float32. An activation ranges from the smallest to the largest value of a
    picture, in the mean over pictures; wider ranges would be coarser, and narrower ones cut off what only anomalies
    show. Raises BundleError where there is no convolution to quantise.
    """
    ort.disable_telemetry_events()
    model = onnx.load_from_string(graph)
    nodes = _to_quantise(model)
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    if not convolutions:
        raise BundleError("the network has no convolutions to compute in 8 bits; leave int8 off")
    pictures = normals[np.linspace(0, len(normals) - 1, min(PICTURES, len(normals))).round().astype(np.intp)]
    _round_weights(model, convolutions, pictures)
    # Says that the graph is prepared, which an exported one is; without it the library warns.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder:
        prepared, done = Path(folder, "prepared.onnx"), Path(folder, "done.onnx")
        onnx.save_model(model, prepared)
        quantize_static(
            prepared,
            done,
            _Reader(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=sorted({node.op_type for node in nodes}),
            nodes_to_quantize=[node.name for node in nodes],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},  # the mean of all: each picture is a batch of its own
        )
        return done.read_bytes()


def _to_quantise(model: ModelProto) -> list[NodeProto]:
    """The convolutions behind the first few, and the activations and sums of their outputs."""
    constants = {tensor.name for tensor in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] in constants]
    behind = {node.name for node in convolutions[LEFT_IN_FLOAT:]}
    chosen: list[NodeProto] = []
    outputs: set[str] = set()
    for node in model.graph.node:
        activates = node.op_type in ("Relu", "Clip") and node.input[0] in outputs
        adds = node.op_type == "Add" and outputs.issuperset(node.input)
        if node.name in behind or activates or adds:
            chosen.append(node)
            outputs.update(node.output)
    return chosen


def _round_weights(model: ModelProto, convolutions: Sequence[NodeProto], pictures: Pixels) -> None:
    """Bring the weights to the grid of 8 bits, and put what this takes from each channel's mean into the biases.

    Neighbouring pixels are alike, so that the errors of a channel's weights add up to a shift of its output, which
    is by far the most of what quantisation does wrong (Nagel et al. 2019, section 4.2).
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    weights = {node.input[1]: numpy_helper.to_array(tensors[node.input[1]]) for node in convolutions}
    rounded = {name: _on_grid(own) for name, own in weights.items()}
    lost = _mean_outputs(model, convolutions, {name: own - rounded[name] for name, own in weights.items()}, pictures)
    for node in convolutions:
        bias = numpy_helper.to_array(tensors[node.input[2]]) if len(node.input) > 2 else np.float32(0)
        name = f"{node.name}.bias"  # another convolution may share the old one
        model.graph.initializer.append(numpy_helper.from_array(bias + lost[node.name], name))
        node.input[:] = [*node.input[:2], name]
    for name, own in rounded.items():
        tensors[name].CopyFrom(numpy_helper.from_array(own, name))
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def _on_grid(weights: Floats) -> Floats:
    """(outputs, …) weights rounded to whole multiples of each output's own step.

    The steps are those that the library will find again, since the largest weight of each output stays what it is.
    """
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    step = np.where(largest, largest / LARGEST_WEIGHT, 1).astype(np.float32)
    rounded: Floats = np.round(weights / step) * step
    return rounded


def _mean_outputs(
    model: ModelProto, convolutions: Sequence[NodeProto], weights: Weights, pictures: Pixels
) -> dict[str, Floats]:
    """What each convolution would give on average over the pictures, by channel, with these weights and no bias."""
    twins = ModelProto()
    twins.CopyFrom(model)
    twins.graph.initializer.extend(numpy_helper.from_array(own, f"{name}{LOST}") for name, own in weights.items())
    del twins.graph.output[:]
    for node in convolutions:
        twin, mean = NodeProto(), f"{node.name}{LOST}.mean"
        twin.CopyFrom(node)
        twin.name = f"{node.name}{LOST}"
        twin.input[:] = [node.input[0], f"{node.input[1]}{LOST}"]
        twin.output[:] = [f"{node.output[0]}{LOST}"]
        twins.graph.node.extend([twin, helper.make_node("GlobalAveragePool", twin.output, [mean])])
        twins.graph.output.append(helper.make_tensor_value_info(mean, TensorProto.FLOAT, None))
    session = ort.InferenceSession(twins.SerializeToString(), providers=["CPUExecutionProvider"])
    each = [session.run(None, {INPUT: picture[None]}) for picture in pictures]
    return {
        node.name: np.concatenate(means).mean(axis=(0, 2, 3))
        for node, means in zip(convolutions, zip(*each, strict=True), strict=True)
    }


class _Reader:
    """Pictures as the library asks for them, one at a time."""

    def __init__(self, pictures: Pixels) -> None:
        self._pictures = iter(pictures)

    def get_next(self) -> dict[str, Pixels] | None:
        """The next one, None after the last."""
        picture = next(self._pictures, None)
        return None if picture is None else {INPUT: picture[None]}
