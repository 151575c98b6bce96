"""Bundles that were changed after they were written."""

import hashlib
import json

import numpy as np
import onnx


def flip_a_byte(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def read_manifest(path):
    return json.loads((path / "bundle.json").read_text())


def change_manifest(path, **changes):
    (path / "bundle.json").write_text(json.dumps(read_manifest(path) | changes))


def checksum_again(path, file):
    digest = hashlib.sha256((path / file).read_bytes()).hexdigest()
    change_manifest(path, files=read_manifest(path)["files"] | {file: digest})


def change_arrays(path, change):
    """``change`` gets the scorer's arrays by name and gives those that are to be stored, under a right checksum."""
    with np.load(path / "scorer.npz") as arrays:
        np.savez(path / "scorer.npz", **change(dict(arrays)))
    checksum_again(path, "scorer.npz")


def add_int8(path, model=None, largest_difference=0.0):
    """A second graph: ``model``, or the first one again."""
    (path / "model.int8.onnx").write_bytes(model or (path / "model.onnx").read_bytes())
    checksum_again(path, "model.int8.onnx")
    change_manifest(path, int8=int8_record(largest_difference))


def int8_record(largest_difference=0.0):
    return {"correlation": 1.0, "pictures": 99, "flipped": 0, "largest_difference": largest_difference}


def another_graph(path):
    """The bundle's graph with weights that see nothing right."""
    graph = onnx.load(path / "model.onnx")
    for weights in graph.graph.initializer:
        if weights.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(weights)
            weights.CopyFrom(onnx.numpy_helper.from_array(np.flip(values) + np.float32(0.1), weights.name))
    return graph.SerializeToString()
