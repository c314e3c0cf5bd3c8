"""Writes the networks of the tests and what OpenCV computes with them (see README.md)."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import save_file

import reference
from nets import CASES
from wire import Style, caffemodel, write_caffemodel, write_prototxt

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.safetensors"
SAMPLES = 2
# How far OpenCV may lie from the f64 reference, relative to a layer's greatest magnitude (or 1).
CLOSE = 1e-5
# Layers that have no value of their own in the converted network.
NO_VALUES = ["Padding", "Split"]
# Layers at which OpenCV does not compute what Caffe does: left out of the golden file.
DIFFERENT = {"joins": ["lrn_k", "transposed"]}


def write(name, case):
    write_prototxt(HERE / f"{name}.prototxt", case.net, case.text, comment="Written by make_nets.py.")
    write_caffemodel(HERE / f"{name}.caffemodel", case.model or case.net, case.binary, case.style)


def opencv(name, case, x):
    """Every layer's output by OpenCV."""
    net = cv2.dnn.readNetFromCaffe(*(np.frombuffer(file, np.uint8) for file in files_for_opencv(name, case)))
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    net.enableFusion(False)
    net.enableWinograd(False)
    layers = [layer.name for layer in case.net.layers if layer.type not in NO_VALUES]
    batches = [run_opencv(net, layers, part) for part in np.split(x, SAMPLES // case.batch)]
    return {layer: np.concatenate([batch[i] for batch in batches]) for i, layer in enumerate(layers)}


def files_for_opencv(name, case):
    """The prototxt and the caffemodel, as far as OpenCV can read them.

    It calls a pool's round_mode ceil_mode. It reads no doubles, and no weights of V0: they come from a twin.
    """
    prototxt = (HERE / f"{name}.prototxt").read_text().replace("round_mode: FLOOR", "ceil_mode: false")
    model = (HERE / f"{name}.caffemodel").read_bytes()
    if case.binary == 0 or case.style.double:
        model = caffemodel(case.net, 2, Style(structure=False))
    return prototxt.encode(), model


def run_opencv(net, layers, x):
    net.setInput(x)
    return [values.copy() for values in net.forward(layers)]


def error(found, expected):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    distance = np.abs(found - expected).max() / max(1.0, np.abs(expected).max())
    return None if distance <= CLOSE else f"differs by {distance:.2g}"


def golden(name, case):
    """Input and layers' outputs of a network, checked."""
    [(input_name, shape)] = case.net.inputs.items()
    x = np.random.default_rng(len(name)).normal(size=(SAMPLES, *shape[1:])).astype(np.float32)
    batches = [reference.run(case.net, {input_name: part}) for part in np.split(x, SAMPLES // case.batch)]
    expected = {layer: np.concatenate([batch[layer] for batch in batches]) for layer in batches[0]}
    tensors = {f"{name}.input": x}
    for layer, found in opencv(name, case, x).items():
        problem = error(found, expected[layer])
        known = layer in DIFFERENT.get(name, [])
        if bool(problem) != known:
            print(f"{name} {layer}: {problem or 'OpenCV agrees with Caffe'}")
        if not problem:
            tensors[f"{name}.{layer}"] = found
    return tensors


def checksums():
    """sha256 of the files that the golden one was made with."""
    files = [HERE / f"{name}{ending}" for name in CASES for ending in (".prototxt", ".caffemodel")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def main():
    tensors = {}
    for name, case in CASES.items():
        write(name, case)
        if case.batch:
            tensors |= golden(name, case)
    save_file(tensors, GOLDEN, {"files": json.dumps(checksums())})
    GOLDEN.chmod(0o644)


if __name__ == "__main__":
    main()
