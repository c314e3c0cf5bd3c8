"""A network file: its description, its weights and its evaluation in f64."""

import json

import numpy as np

import ops
import tensors

CHUNK = 50  # images evaluated at once, which bounds the memory
CHANNELS = {"grey": 1, "rgb": 3, "bgr": 3}


class Network:
    """One network, evaluated for images of u8 pixels."""

    def __init__(self, path):
        metadata, self.tensors = tensors.read(path)
        self.description = json.loads(metadata["network"])
        if self.description["version"] != 1:
            raise ValueError(f"description of version {self.description['version']}, expected 1")
        self.layers = self.description["layers"]

    def encode(self, pixels):
        """u8 [n, c, h, w], grey or RGB -> the network's input."""
        image = self.description["image"]
        order = image["channels"]
        ops.expect(pixels[0], self.description["input"]["shape"])
        ops.expect(pixels[0], (CHANNELS[order], *pixels.shape[2:]))
        x = pixels / 255.0
        if order == "bgr":
            x = x[:, ::-1]
        mean = self.tensors.get("image.mean")
        if mean is None:
            mean = np.reshape(image["mean"], (-1, 1, 1))
        return (x * image["scale"] - mean) / np.reshape(image["std"], (-1, 1, 1))

    def weights(self, layer):
        """The tensors of a layer under their short names."""
        prefix = layer + "."
        return {
            name.removeprefix(prefix): values
            for name, values in self.tensors.items()
            if name.startswith(prefix)
        }

    def forward(self, x, wanted):
        """Input [n, ...] -> {name: activations [n, ...]} of the wanted layers."""
        known = {self.description["input"]["name"]: x}
        missing = set(wanted) - known.keys()
        for layer in self.layers:
            if not missing:
                break
            name = layer["name"]
            inputs = [known[source] for source in layer["inputs"]]
            try:
                known[name] = ops.apply(layer["op"], inputs, self.weights(name))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"layer {name}: {error}") from error
            missing.discard(name)
        if missing:
            raise ValueError(f"no layer {sorted(missing)[0]}")
        return {name: known[name] for name in wanted}

    def look(self, pixels, wanted):
        """u8 images [n, c, h, w] -> {name: activations} of the wanted layers."""
        parts = [
            self.forward(self.encode(pixels[at : at + CHUNK]), wanted)
            for at in range(0, len(pixels), CHUNK)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in wanted}

    def classify(self, pixels):
        """u8 images -> index of the greatest unit of the last layer, [n]."""
        output = self.layers[-1]["name"]
        scores = self.look(pixels, [output])[output]
        return scores.reshape(len(scores), -1).argmax(axis=1)
