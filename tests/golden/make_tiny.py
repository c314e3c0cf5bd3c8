"""Writes tiny.safetensors: what PyTorch computes with the tiny pair.

    python3 make_tiny.py            (torch 2.9.1, safetensors 0.8.0, numpy 2.4.6)

For the classifier and the generator of weights/tiny: a batch of two inputs
(encoded images of random pixels; random codes within their bounds), the
activations of every layer, random cotangents at the last three layers, and the
gradient of the sum of their products with respect to the input. Inputs are f32
numbers; everything after them is computed in f64 and rounded to f32 at the end.
Inputs are drawn anew until no pre-activation and no choice of a maximum lies
within 1e-4 of a kink.

The metadata key `networks` holds, by file name without its ending: sha256 of
the network file, x, activations (layer -> tensor), cotangents (layer ->
tensor), dx.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from torch_ops import apply, parts

SEED = 3
BATCH = 2
ENDS = 3  # layers that receive a cotangent
KINK = 1e-4
TRIES = 10_000
ROOT = Path(__file__).parents[2]


def read(path):
    """A network file -> (description, tensors in f64)."""
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["network"])
        return description, {name: file.get_tensor(name).double() for name in file.keys()}


def draw(description, tensors, generator):
    """Random inputs that a run could meet, f32 [BATCH, ...]."""
    shape = description["input"]["shape"]
    if "code" in description:
        noise = torch.randn((BATCH, *shape), generator=generator).double()
        code = tensors["code.mean"] + tensors["code.std"] * noise
        return code.clamp(tensors["code.lower"], tensors["code.upper"]).float()
    image = description["image"]
    pixels = torch.randint(0, 256, (BATCH, *shape), generator=generator).double() / 255
    mean, std = (torch.tensor(image[key]).double().reshape(-1, 1, 1) for key in ("mean", "std"))
    return ((pixels * image["scale"] - tensors.get("image.mean", mean)) / std).float()


def forward(description, tensors, x):
    """Input -> activations by layer, the input among them."""
    known = {description["input"]["name"]: x}
    for layer in description["layers"]:
        prefix = layer["name"] + "."
        weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        inputs = [known[name] for name in layer["inputs"]]
        known[layer["name"]] = apply(layer["op"], inputs, weights)
    return known


def gap(values):
    """[..., n] -> the least distance between a greatest value and the next
    smaller one; equal values are no risk, as they are equal in f32 too."""
    greatest = values.amax(-1, keepdim=True)
    others = values[values < greatest].numel()
    below = torch.where(values < greatest, greatest - values, torch.inf)
    return below.min().item() if others else torch.inf


def kink(description, known):
    """Distance of the nearest kink: zero for a relu, the runner-up for a
    maximum."""
    nearest = torch.inf
    for layer in description["layers"]:
        op, attributes = parts(layer["op"])
        inputs = [known[name] for name in layer["inputs"]]
        if op == "relu":
            # An exact zero comes from a relu before and is zero in f32 too.
            magnitude = inputs[0].abs()
            nearest = min(nearest, magnitude[magnitude > 0].min().item())
        elif op == "pool" and attributes["method"] == "max":
            nearest = min(nearest, gap(windows(inputs[0], **attributes)))
        elif op == "eltwise" and attributes["operation"] == "max":
            nearest = min(nearest, gap(torch.stack(inputs, -1)))
    return nearest


def windows(x, method, kernel, stride, pad, rounding):
    """[n, c, h, w] -> [n, c * kh * kw, windows] as [..., kh * kw]; padding
    counts as -inf. Windows that reach further over the edge are included."""
    reach = [p + k for p, k in zip(pad, kernel)]
    border = (pad[1], reach[1], pad[0], reach[0])
    padded = torch.nn.functional.pad(x, border, value=-torch.inf)
    view = padded.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])
    return view.flatten(4).flatten(0, 3)


def golden(path, generator):
    """One network -> (tensors, entry of the index)."""
    description, tensors = read(path)
    names = [layer["name"] for layer in description["layers"]]
    for _ in range(TRIES):
        x = draw(description, tensors, generator)
        wide = x.double().requires_grad_()
        known = forward(description, tensors, wide)
        if kink(description, {name: value.detach() for name, value in known.items()}) > KINK:
            break
    else:
        raise SystemExit(f"{path}: every input of {TRIES} has a kink within {KINK}")
    ends = names[-ENDS:]
    cotangents = {name: torch.randn(known[name].shape, generator=generator) for name in ends}
    total = sum((known[name] * cotangents[name].double()).sum() for name in ends)
    (dx,) = torch.autograd.grad(total, wide)
    stem = path.stem
    out = {f"{stem}.x": x, f"{stem}.dx": dx}
    out |= {f"{stem}.{name}.y": known[name] for name in names}
    out |= {f"{stem}.{name}.dy": cotangents[name] for name in ends}
    return out, {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "x": f"{stem}.x",
        "activations": {name: f"{stem}.{name}.y" for name in names},
        "cotangents": {name: f"{stem}.{name}.dy" for name in ends},
        "dx": f"{stem}.dx",
    }


def main():
    """Computes both networks and writes the file beside this script."""
    generator = torch.Generator().manual_seed(SEED)
    tensors, index = {}, {}
    for stem in ("classifier", "generator"):
        found, index[stem] = golden(ROOT / "weights/tiny" / f"{stem}.safetensors", generator)
        tensors |= found
    path = Path(__file__).with_name("tiny.safetensors")
    # A copy each, as a reshape shares its input's memory.
    stored = {name: t.detach().float().contiguous().clone() for name, t in tensors.items()}
    save_file(stored, path, {"networks": json.dumps(index)})
    print(f"{path.stat().st_size} bytes in {path.name}")


if __name__ == "__main__":
    main()
