"""Writes ops.safetensors: what PyTorch computes for every op.

    python3 make_golden.py          (torch 2.9.1, safetensors 0.8.0, numpy 2.4.6)

Each case is one op in the words of the network file, its weights, a batch of
two samples per input, the output y, a random cotangent dy, and the gradient dx
of sum(y * dy) with respect to each input. Inputs are f32 numbers; everything
after them is computed in f64 by autograd and rounded to f32 at the end.

The metadata key `cases` lists them: name, op, input_shapes (of one sample),
weights (short name -> tensor), x, y, dy, dx (tensors).
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from torch_ops import apply

SEED = 2
BATCH = 2


def gaussian(shape, generator):
    return torch.randn(shape, generator=generator)


def ladder(shape, generator):
    """Distinct multiples of 1/8, none of them 0, in random order: far from
    every kink and tie, so that a rounding error changes no choice."""
    count = torch.Size(shape).numel()
    steps = torch.arange(count) - count // 2
    steps[steps >= 0] += 1
    return (steps[torch.randperm(count, generator=generator)] / 8.0).reshape(shape)


def ties(shape, generator):
    """The numbers 0, 1, 2: nearly every window holds its maximum twice."""
    return torch.randint(0, 3, shape, generator=generator).float()


def case(name, op, shapes, weights=None, fill=gaussian, **attributes):
    """A case as `main` computes it; `weights` are shapes by short name."""
    return name, op, shapes, weights or {}, fill, attributes


def conv(name, channels, plane, outputs, kernel, transposed=False, **given):
    """A convolution of either kind, with the weights' shapes that follow."""
    attributes = dict(outputs=outputs, kernel=kernel, stride=[1, 1], pad=[0, 0])
    attributes |= dict(dilation=[1, 1], groups=1, bias=True) | given
    groups = attributes["groups"]
    ends = [channels, outputs // groups] if transposed else [outputs, channels // groups]
    weights = {"weight": [*ends, *kernel]}
    if attributes["bias"]:
        weights["bias"] = [outputs]
    op = "transposed_convolution" if transposed else "convolution"
    return case(f"{op}_{name}", op, [[channels, *plane]], weights, **attributes)


def up(name, *args, **given):
    return conv(name, *args, transposed=True, **given)


def window(name, shape, method, kernel, stride, pad, rounding, fill=ladder):
    attributes = dict(method=method, kernel=kernel, stride=stride, pad=pad, rounding=rounding)
    return case(f"pool_{method}_{name}_{rounding}", "pool", [shape], fill=fill, **attributes)


def cases():
    return [
        conv("3x3p1", 5, [7, 9], 7, [3, 3], pad=[1, 1]),
        conv("5x5s2p2_groups2", 6, [11, 9], 10, [5, 5], stride=[2, 2], pad=[2, 2], groups=2),
        conv("11x11s4", 3, [21, 24], 4, [11, 11], stride=[4, 4]),
        conv("3x2s2x1p1x0_dilated", 3, [10, 7], 5, [3, 2], stride=[2, 1], pad=[1, 0],
             dilation=[2, 3]),
        conv("3x3p2_dilated_groups3", 9, [6, 5], 6, [3, 3], pad=[2, 2], dilation=[2, 2],
             groups=3),
        conv("3x3p1_depthwise", 5, [5, 6], 5, [3, 3], pad=[1, 1], groups=5),
        conv("1x1_no_bias", 4, [3, 5], 6, [1, 1], bias=False),
        conv("whole_plane", 3, [4, 3], 5, [4, 3]),
        up("4x4s2p1", 6, [5, 4], 5, [4, 4], stride=[2, 2], pad=[1, 1]),
        up("3x3p1", 5, [5, 7], 7, [3, 3], pad=[1, 1]),
        up("3x3s2p1_dilated_groups2", 4, [4, 5], 6, [3, 3], stride=[2, 2], pad=[1, 1],
           dilation=[2, 2], groups=2),
        up("3x2s1x3p0x1_dilated", 3, [4, 3], 2, [3, 2], stride=[1, 3], pad=[0, 1],
           dilation=[2, 1]),
        up("2x2s3_no_bias", 3, [3, 2], 4, [2, 2], stride=[3, 3], bias=False),
        case("inner_product", "inner_product", [[13]],
             {"weight": [7, 13], "bias": [7]}, outputs=7, bias=True),
        case("inner_product_of_planes_no_bias", "inner_product", [[3, 4, 5]],
             {"weight": [9, 60]}, outputs=9, bias=False),
        case("relu", "relu", [[3, 5, 7]], fill=ladder, negative_slope=0.0),
        case("relu_leaky", "relu", [[17]], fill=ladder, negative_slope=0.3),
        case("relu_at_zero", "relu", [[3, 3, 3]], fill=ties, negative_slope=0.0),
        window("3x3s2", [3, 8, 7], "max", [3, 3], [2, 2], [0, 0], "ceil"),
        window("3x3s2", [3, 8, 7], "max", [3, 3], [2, 2], [0, 0], "floor"),
        window("2x2s2p1_dropped", [2, 5, 7], "max", [2, 2], [2, 2], [1, 1], "ceil"),
        window("3x3s2p2", [2, 5, 6], "max", [3, 3], [2, 2], [2, 2], "ceil"),
        window("3x2s1x2p1x0", [3, 6, 7], "max", [3, 2], [1, 2], [1, 0], "ceil"),
        window("3x3s1p1", [2, 5, 4], "max", [3, 3], [1, 1], [1, 1], "floor"),
        window("3x3s2_ties", [3, 7, 8], "max", [3, 3], [2, 2], [0, 0], "ceil", fill=ties),
        window("3x3s2", [3, 8, 7], "average", [3, 3], [2, 2], [0, 0], "ceil", fill=gaussian),
        window("3x3s2p1", [2, 8, 6], "average", [3, 3], [2, 2], [1, 1], "ceil", fill=gaussian),
        window("2x2s2p1_dropped", [2, 5, 7], "average", [2, 2], [2, 2], [1, 1], "ceil",
               fill=gaussian),
        window("3x2s1x2p1x0", [3, 6, 7], "average", [3, 2], [1, 2], [1, 0], "floor",
               fill=gaussian),
        window("global", [5, 4, 3], "average", [4, 3], [1, 1], [0, 0], "floor", fill=gaussian),
        case("lrn_size5_caffenet", "lrn", [[7, 3, 4]], size=5, alpha=1e-4, beta=0.75, k=1.0),
        case("lrn_size5_strong", "lrn", [[7, 5, 3]], size=5, alpha=2.0, beta=0.75, k=1.0),
        case("lrn_size3", "lrn", [[6, 3, 5]], size=3, alpha=1.5, beta=0.5, k=2.0),
        case("lrn_size5_of_2_channels", "lrn", [[2, 3, 3]], size=5, alpha=1.0, beta=1.25, k=1.0),
        case("softmax", "softmax", [[11]]),
        case("softmax_at_positions", "softmax", [[5, 3, 4]]),
        case("sigmoid", "sigmoid", [[3, 4, 5]]),
        case("tanh", "tanh", [[3, 4, 5]]),
        case("batch_norm", "batch_norm", [[5, 3, 4]], {"mean": [5], "variance": [5]},
             epsilon=1e-5),
        case("batch_norm_of_units", "batch_norm", [[7]], {"mean": [7], "variance": [7]},
             epsilon=1e-3),
        case("scale", "scale", [[5, 3, 4]], {"weight": [5], "bias": [5]}),
        case("scale_of_units_no_bias", "scale", [[7]], {"weight": [7]}),
        case("eltwise_sum", "eltwise", [[3, 4, 5]] * 2, operation="sum"),
        case("eltwise_sum_of_3_with_coefficients", "eltwise", [[11]] * 3, operation="sum",
             coefficients=[1.0, -0.5, 2.0]),
        case("eltwise_product", "eltwise", [[3, 4, 5]] * 2, operation="product"),
        case("eltwise_product_of_3_with_zeros", "eltwise", [[3, 5, 3]] * 3, fill=ties,
             operation="product"),
        case("eltwise_max", "eltwise", [[3, 4, 5]] * 2, fill=ladder, operation="max"),
        case("eltwise_max_of_3_with_ties", "eltwise", [[3, 5, 3]] * 3, fill=ties,
             operation="max"),
        case("concat_of_planes", "concat", [[3, 4, 5], [1, 4, 5], [2, 4, 5]]),
        case("concat_of_units", "concat", [[5], [8]]),
        case("flatten", "flatten", [[3, 4, 5]]),
        case("reshape", "reshape", [[30]], shape=[5, 2, 3]),
        case("crop", "crop", [[3, 7, 6]], offset=[2, 1], size=[3, 4]),
        case("dropout", "dropout", [[9]]),
    ]  # fmt: skip


def main():
    """Computes every case and writes the file beside this script."""
    generator = torch.Generator().manual_seed(SEED)
    tensors, index = {}, []
    for name, op, shapes, weight_shapes, fill, attributes in cases():
        weights = {key: gaussian(shape, generator) for key, shape in weight_shapes.items()}
        if "variance" in weights:
            weights["variance"] = weights["variance"].square() + 0.1
        elif "weight" in weights:
            # Sums of products of size 1, whatever the number of terms.
            weights["weight"] /= max(1, weights["weight"][0].numel()) ** 0.5
        xs = [fill((BATCH, *shape), generator) for shape in shapes]
        wide = [x.double().requires_grad_() for x in xs]
        written = {op: attributes} if attributes else op
        y = apply(written, wide, {key: value.double() for key, value in weights.items()})
        dy = gaussian(y.shape, generator)
        dxs = torch.autograd.grad(y, wide, dy.double())
        tensors |= {f"{name}.{key}": value for key, value in weights.items()}
        tensors |= {f"{name}.x{i}": x for i, x in enumerate(xs)}
        tensors |= {f"{name}.dx{i}": dx for i, dx in enumerate(dxs)}
        tensors |= {f"{name}.y": y, f"{name}.dy": dy}
        index.append({
            "name": name,
            "op": written,
            "input_shapes": shapes,
            "weights": {key: f"{name}.{key}" for key in weights},
            "x": [f"{name}.x{i}" for i in range(len(xs))],
            "y": f"{name}.y",
            "dy": f"{name}.dy",
            "dx": [f"{name}.dx{i}" for i in range(len(xs))],
        })  # fmt: skip
    path = Path(__file__).with_name("ops.safetensors")
    stored = {name: value.detach().float().contiguous() for name, value in tensors.items()}
    save_file(stored, path, {"cases": json.dumps(index)})
    print(f"{len(index)} cases, {path.stat().st_size} bytes in {path.name}")


if __name__ == "__main__":
    main()
