"""A pair of networks in the project's file format, in plain Python:

    python3 docs/own_network.py FOLDER

writes FOLDER/classifier.safetensors and FOLDER/generator.safetensors. Weights
are random here; put your own in their place. A tensor of PyTorch or NumPy
becomes bytes by `t.detach().float().contiguous().numpy().tobytes()`.
"""

import array
import json
import pathlib
import random
import struct
import sys

PIXELS, FEATURES = 16 * 16, 8


def write(path, network, tensors):
    """tensors: name -> (shape, bytes), row-major f32, little endian."""
    header, data = {"__metadata__": {"network": json.dumps(network)}}, b""
    for name, (shape, values) in tensors.items():
        offsets = [len(data), len(data) + len(values)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def floats(values):
    return array.array("f", values).tobytes()


def normal(count, deviation):
    return floats(random.gauss(0, deviation) for _ in range(count))


def layer(name, op, source):
    return {"name": name, "op": op, "inputs": [source]}


random.seed(0)
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
image = {"channels": "grey", "scale": 1.0, "mean": [0.5], "std": [0.5]}
origin = {"source": "docs/own_network.py", "licence": "MIT OR Apache-2.0"}

write(folder / "classifier.safetensors", {
    "version": 1, "name": "own classifier", "origin": origin, "image": image,
    "input": {"name": "data", "shape": [1, 16, 16]},
    "layers": [
        layer("features", {"inner_product": {"outputs": FEATURES}}, "data"),
        layer("relu", {"relu": {}}, "features"),
        layer("classes", {"inner_product": {"outputs": 2}}, "relu"),
    ],
    "labels": {"classes": [{"id": "c0", "name": "cat"}, {"id": "c1", "name": "dog, hound"}]},
    "quantiles": {"classes": {"levels": [0, 50, 100], "images": "none: made up", "by_label": False}},
    "encoder": "relu",
}, {
    "features.weight": ([FEATURES, PIXELS], normal(FEATURES * PIXELS, 0.1)),
    "features.bias": ([FEATURES], normal(FEATURES, 0.1)),
    "classes.weight": ([2, FEATURES], normal(2 * FEATURES, 1)),
    "classes.bias": ([2], normal(2, 1)),
    "quantiles.classes.p": ([2, 3], floats([-2, 0, 2, -2, 0, 2])),
})

write(folder / "generator.safetensors", {
    "version": 1, "name": "own generator", "origin": origin, "image": image,
    "input": {"name": "code", "shape": [FEATURES]},
    "layers": [
        layer("pixels", {"inner_product": {"outputs": PIXELS}}, "code"),
        layer("tanh", "tanh", "pixels"),
        layer("picture", {"reshape": {"shape": [1, 16, 16]}}, "tanh"),
    ],
    "code": {"layer": "relu"},
}, {
    "pixels.weight": ([PIXELS, FEATURES], normal(PIXELS * FEATURES, 0.5)),
    "pixels.bias": ([PIXELS], normal(PIXELS, 0.1)),
    "code.lower": ([FEATURES], floats([0] * FEATURES)),
    "code.upper": ([FEATURES], floats([3] * FEATURES)),
    "code.mean": ([FEATURES], floats([0.5] * FEATURES)),
    "code.std": ([FEATURES], floats([0.5] * FEATURES)),
})
