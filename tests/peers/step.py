"""A sampler's step in PyTorch, whenever a line is read:

    python step.py PAIR FOLDER K THREADS LAYOUT

forward through generator, pixels and classifier, and the gradient of unit
UNIT of fc8 plus FOLDER/direction.f32 times the encoding with respect to
FOLDER/codes.f32. Prints a line when it is ready and the milliseconds of every
step, and leaves the gradient in FOLDER/gradient.f32.

LAYOUT is `nchw` or `channels_last`. All that is known to make PyTorch faster in
single precision on a CPU is done here: local response normalisation as a sum
of shifted squares and two reciprocal roots, and transposed convolutions of
stride 1 as convolutions.
"""

import json
import os
import sys
import time

# Before PyTorch is loaded, which reads them then. Some kernels pack the unpinned
# threads of a process on one core.
os.environ["OMP_NUM_THREADS"] = sys.argv[4]
if int(sys.argv[4]) > 1:
    os.environ["OMP_PROC_BIND"], os.environ["OMP_PLACES"] = "close", "threads"

import numpy
import torch
from safetensors import safe_open
from torch.nn import functional as F

UNIT = 945
SCORES = "fc8"


class StraightInward(torch.autograd.Function):
    """Clamps to [0, 1]; of a loss that is being minimised, those gradients pass
    along which a step moves the pixel back inwards."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(context, d):
        (x,) = context.saved_tensors
        return d.masked_fill(((x < 0) & (d > 0)) | ((x > 1) & (d < 0)), 0)


def normalise(x, lrn):
    """Local response normalisation with beta 0.75."""
    assert lrn["beta"] == 0.75
    half, channels = lrn["size"] // 2, x.shape[1]
    squares = F.pad(x * x, (0, 0, 0, 0, half, half))
    total = sum(squares[:, i : i + channels] for i in range(lrn["size"]))
    root = torch.rsqrt(lrn["k"] + lrn["alpha"] / lrn["size"] * total)
    return x * (root * torch.sqrt(root))


class Network:
    """A network file."""

    def __init__(self, path, layout):
        with safe_open(path, "pt") as file:
            self.description = json.loads(file.metadata()["network"])
            self.tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        self.layout = layout
        self.layers = [self.layer(layer) for layer in self.description["layers"]]

    def layer(self, layer):
        """Name, op and its attributes, weights."""
        op = layer["op"]
        kind, of = (op, {}) if isinstance(op, str) else next(iter(op.items()))
        names = (f"{layer['name']}.{part}" for part in ("weight", "bias"))
        weights = [self.tensors[name] for name in names if name in self.tensors]
        if kind == "transposed_convolution" and of["stride"] == [1, 1]:
            assert of["groups"] == 1 and of["dilation"] == [1, 1]
            weights[0] = weights[0].transpose(0, 1).flip(2, 3)
            pad = [k - 1 - p for k, p in zip(of["kernel"], of["pad"])]
            kind, of = "convolution", of | {"pad": pad}
        if "convolution" in kind:
            weights[0] = weights[0].contiguous(memory_format=self.layout)
        return layer["name"], kind, of, weights

    def run(self, x, wanted):
        """The outputs of the wanted layers of a chain, the deepest last."""
        found = []
        for name, kind, of, weights in self.layers:
            match kind:
                case "inner_product":
                    x = F.linear(x.flatten(1), *weights)
                case "convolution":
                    x = F.conv2d(x, *weights, of["stride"], of["pad"], of["dilation"], of["groups"])
                case "transposed_convolution":
                    x = F.conv_transpose2d(x, *weights, of["stride"], of["pad"], 0, of["groups"])
                case "relu" if of.get("negative_slope", 0.0) == 0.0:
                    x = F.relu(x)
                case "relu":
                    x = F.leaky_relu(x, of["negative_slope"])
                case "pool" if of["method"] == "max":
                    ceil = of["rounding"] == "ceil"
                    x = F.max_pool2d(x, of["kernel"], of["stride"], of["pad"], ceil_mode=ceil)
                case "lrn":
                    x = normalise(x, of)
                case "reshape":
                    x = x.reshape(-1, *of["shape"]).contiguous(memory_format=self.layout)
                case "dropout":
                    pass
                case _:
                    raise ValueError(f"layer {name}: an op that no peer needs: {kind}")
            if name in wanted:
                found.append(x)
            if name == wanted[-1]:
                return found
        raise ValueError(f"no layer {wanted[-1]}")

    def encoding(self):
        """Scale and offset, `encoded = pixel * scale - offset`, and the order
        of the channels."""
        image = self.description["image"]
        std = torch.tensor(image["std"]).view(1, -1, 1, 1)
        mean = torch.tensor(image["mean"]).view(1, -1, 1, 1)
        return image["scale"] / std, mean / std, image["channels"]


class Step:
    def __init__(self, pair, layout):
        self.generator, self.classifier = (
            Network(f"{pair}/{part}.safetensors", layout) for part in ("generator", "classifier")
        )
        self.out = self.generator.layers[-1][0]
        self.side = self.classifier.description["input"]["shape"][1]
        self.wanted = [self.classifier.description["encoder"], SCORES]

    def __call__(self, codes, direction):
        codes = codes.detach().requires_grad_()
        (output,) = self.generator.run(codes, [self.out])
        scale, offset, channels = self.generator.encoding()
        first = (output.shape[2] - self.side) // 2
        crop = slice(first, first + self.side)
        images = StraightInward.apply((output[:, :, crop, crop] + offset) / scale)
        # Both networks of a pair that is measured here have the same order.
        scale, offset, same = self.classifier.encoding()
        assert same == channels
        encoding, scores = self.classifier.run(images * scale - offset, self.wanted)
        loss = scores[:, UNIT % scores.shape[1]].sum() + (encoding * direction).sum()
        return torch.autograd.grad(loss, codes)[0]


def main(pair, folder, k, threads, layout):
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    formats = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
    step = Step(pair, formats[layout])
    read = lambda name: torch.from_numpy(numpy.fromfile(f"{folder}/{name}.f32", "<f4"))
    codes, direction = read("codes").view(int(k), -1), read("direction")
    step(codes, direction).numpy().tofile(f"{folder}/gradient.f32")
    print(f"ready PyTorch {torch.__version__}", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step(codes, direction)
        print((time.perf_counter() - start) * 1e3, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
