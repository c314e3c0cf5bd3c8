"""What Caffe computes, in f64 with PyTorch, layer by layer: a second opinion on OpenCV's values.

Written from Caffe's definitions: a pool's size is rounded up and its last window may not begin in the padding; an
average divides by the window cut to image and padding; LRN divides alpha by its size; a batch norm's mean and
variance are divided by the third blob.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F


def run(net, inputs):
    """The output of every layer by the layer's name, for arrays by the input's name."""
    values = {name: torch.from_numpy(x).double() for name, x in inputs.items()}
    outputs = {}
    for layer in without_padding(net.layers):
        tops = OPS[layer.type](layer, *(values[name] for name in layer.bottoms))
        tops = tops if isinstance(tops, list) else [tops]
        values.update(zip(layer.tops, tops))
        outputs[layer.name] = tops[0].numpy()
    return outputs


def without_padding(layers):
    """V0: the padding of a layer of its own belongs to the convolution or pool after it."""
    padded = {layer.tops[0]: layer for layer in layers if layer.type == "Padding"}
    for layer in layers:
        if layer.type == "Padding":
            continue
        for source in [padded[name] for name in layer.bottoms if name in padded]:
            key = "convolution_param" if layer.type == "Convolution" else "pooling_param"
            layer = type(layer)(layer.name, layer.type, source.bottoms, layer.tops, layer.blobs, **layer.fields)
            layer.fields[key] = {**layer.fields[key], **source.fields["padding_param"]}
        yield layer


def pair(param, name, default):
    """Height and width of `name`, in any of the forms that Caffe has."""
    short = name.removesuffix("_size")
    if f"{short}_h" in param or f"{short}_w" in param:
        return [param.get(f"{short}_h", default), param.get(f"{short}_w", default)]
    value = param.get(name, default)
    return value if isinstance(value, list) else [value, value]


def blobs(layer):
    return [torch.from_numpy(np.asarray(array)).double() for array in layer.blobs]


def window(param):
    return {"stride": pair(param, "stride", 1), "padding": pair(param, "pad", 0), "dilation": pair(param, "dilation", 1)}


def convolution(layer, x):
    param = layer.fields["convolution_param"]
    return F.conv2d(x, *blobs(layer), groups=param.get("group", 1), **window(param))


def deconvolution(layer, x):
    param = layer.fields["convolution_param"]
    return F.conv_transpose2d(x, *blobs(layer), groups=param.get("group", 1), **window(param))


def inner_product(layer, x):
    weight, *bias = blobs(layer)
    weight = weight.T if layer.fields["inner_product_param"].get("transpose") else weight
    return F.linear(x.flatten(1), weight, *bias)


def pooled(size, kernel, stride, pad, floor):
    count = (math.floor if floor else math.ceil)((size + 2 * pad - kernel) / stride) + 1
    return count - 1 if pad and (count - 1) * stride >= size + pad else count


def pooling(layer, x):
    param = layer.fields["pooling_param"]
    kernel, stride, pad = pair(param, "kernel_size", 0), pair(param, "stride", 1), pair(param, "pad", 0)
    if param.get("global_pooling"):
        kernel = x.shape[2:]
    sizes = [pooled(*values, param.get("round_mode") == "FLOOR") for values in zip(x.shape[2:], kernel, stride, pad)]
    out = torch.empty(*x.shape[:2], *sizes, dtype=x.dtype)
    for i in range(sizes[0]):
        for j in range(sizes[1]):
            start = [i * stride[0] - pad[0], j * stride[1] - pad[1]]
            end = [min(s + k, size + p) for s, k, size, p in zip(start, kernel, x.shape[2:], pad)]
            area = math.prod(e - s for s, e in zip(start, end))
            part = x[:, :, max(start[0], 0) : end[0], max(start[1], 0) : end[1]]
            out[:, :, i, j] = part.sum((2, 3)) / area if param["pool"] == "AVE" else part.amax((2, 3))
    return out


def lrn(layer, x):
    param = layer.fields["lrn_param"]
    size, half = param["local_size"], param["local_size"] // 2
    squares = F.pad(x**2, (0, 0, 0, 0, half, half))
    sums = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x * (param.get("k", 1.0) + param["alpha"] / size * sums) ** -param.get("beta", 0.75)


def channels(values, x):
    return values.reshape(1, -1, *[1] * (x.dim() - 2))


def batch_norm(layer, x):
    mean, variance, factor = blobs(layer)
    eps = layer.fields.get("batch_norm_param", {}).get("eps", 1e-5)
    return (x - channels(mean / factor, x)) / torch.sqrt(channels(variance / factor, x) + eps)


def scale(layer, x):
    weight, *bias = (channels(values, x) for values in blobs(layer))
    return x * weight + (bias[0] if bias else 0)


def power(layer, x):
    param = layer.fields["power_param"]
    return (param.get("shift", 0.0) + param.get("scale", 1.0) * x) ** param.get("power", 1.0)


def eltwise(layer, *xs):
    param = layer.fields.get("eltwise_param", {})
    coefficients = param.get("coeff", [1] * len(xs))
    if param.get("operation", "SUM") == "SUM":
        return sum(c * x for c, x in zip(coefficients, xs))
    return torch.stack(xs).prod(0) if param["operation"] == "PROD" else torch.stack(xs).amax(0)


def reshape(layer, x):
    dims = layer.fields["reshape_param"]["shape"]["dim"]
    return x.reshape([x.shape[i] if dim == 0 else dim for i, dim in enumerate(dims)])


def crop(layer, x, like):
    param = layer.fields.get("crop_param", {})
    axis, offset = param.get("axis", 2), param.get("offset", 0)
    for i in range(axis, x.dim()):
        x = x.narrow(i, offset[i - axis] if isinstance(offset, list) else offset, like.shape[i])
    return x


OPS = {
    "BatchNorm": batch_norm,
    "Bias": lambda layer, x: x + channels(blobs(layer)[0], x),
    "Concat": lambda layer, *xs: torch.cat(xs, 1),
    "Convolution": convolution,
    "Crop": crop,
    "Deconvolution": deconvolution,
    "Dropout": lambda layer, x: x,
    "Eltwise": eltwise,
    "Flatten": lambda layer, x: x.flatten(1),
    "InnerProduct": inner_product,
    "LRN": lrn,
    "Pooling": pooling,
    "Power": power,
    "ReLU": lambda layer, x: F.leaky_relu(x, layer.fields.get("relu_param", {}).get("negative_slope", 0.0)),
    "Reshape": reshape,
    "Scale": scale,
    "Sigmoid": lambda layer, x: torch.sigmoid(x),
    "Softmax": lambda layer, x: torch.softmax(x, 1),
    "Split": lambda layer, x: [x for _ in layer.tops],
    "TanH": lambda layer, x: torch.tanh(x),
}
