"""Every op of the network file, forward, in f64, with Caffe's meaning.

Arrays carry the batch in front: [n, c, h, w] or [n, units]. An op takes the
list of its inputs, the dict of its tensors, and its attributes as they stand
in the file; the keyword defaults are those of the file format.
"""

from functools import reduce

import numpy as np


def per_channel(values, x):
    """[c] -> a shape that broadcasts over x [n, c, ...]."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def windows(x, kernel, stride, dilation=(1, 1)):
    """[n, c, h, w] -> view [n, c, rows, columns, kh, kw]."""
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(2, 3))
    return view[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def convolution(
    inputs, weights, *, outputs, kernel, stride=(1, 1), pad=(0, 0),
    dilation=(1, 1), groups=1, bias=True,
):  # fmt: skip
    (x,), weight = inputs, weights["weight"]
    expect(weight, (outputs, x.shape[1] // groups, *kernel))
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]])
    view = windows(padded, kernel, stride, dilation)
    n, _, height, width = view.shape[:4]
    parts = []
    for channels, kernels in zip(np.split(view, groups, axis=1), np.split(weight, groups)):
        columns = channels.transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, height * width)
        parts.append(kernels.reshape(len(kernels), -1) @ columns)
    y = np.concatenate(parts, axis=1).reshape(n, outputs, height, width)
    return y + per_channel(weights["bias"], y) if bias else y


def transposed_convolution(
    inputs, weights, *, outputs, kernel, stride=(1, 1), pad=(0, 0),
    dilation=(1, 1), groups=1, bias=True,
):  # fmt: skip
    """Each input pixel (i, j) adds x * w[kh, kw] to the output pixel
    (stride * i + dilation * kh - pad, ...); what falls outside is dropped."""
    (x,), weight = inputs, weights["weight"]
    expect(weight, (x.shape[1], outputs // groups, *kernel))
    last = [s * (size - 1) + 1 for s, size in zip(stride, x.shape[2:])]
    full = [end + d * (k - 1) for end, d, k in zip(last, dilation, kernel)]
    parts = []
    for channels, kernels in zip(np.split(x, groups, axis=1), np.split(weight, groups)):
        part = np.zeros((len(x), outputs // groups, *full))
        for i, j in np.ndindex(*kernel):
            tap = np.tensordot(kernels[:, :, i, j], channels, axes=(0, 1)).swapaxes(0, 1)
            top, left = i * dilation[0], j * dilation[1]
            part[:, :, top : top + last[0] : stride[0], left : left + last[1] : stride[1]] += tap
        parts.append(part)
    y = np.concatenate(parts, axis=1)
    y = y[:, :, pad[0] : full[0] - pad[0], pad[1] : full[1] - pad[1]]
    return y + per_channel(weights["bias"], y) if bias else y


def inner_product(inputs, weights, *, outputs, bias=True):
    (x,), weight = inputs, weights["weight"]
    rows = x.reshape(len(x), -1)
    expect(weight, (outputs, rows.shape[1]))
    y = rows @ weight.T
    return y + weights["bias"] if bias else y


def relu(inputs, weights, *, negative_slope=0.0):
    (x,) = inputs
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)


def pooled_sizes(sizes, kernel, stride, pad, rounding):
    """Caffe's pooling_layer.cpp: rounded up or down; with any padding a last
    window that starts beyond the image and its left padding is dropped."""
    out = []
    for size, k, s, p in zip(sizes, kernel, stride, pad):
        room = size + 2 * p - k
        count = {"ceil": -(-room // s), "floor": room // s}[rounding] + 1
        if any(pad) and (count - 1) * s >= size + p:
            count -= 1
        if count < 1:
            raise ValueError(f"a window of {k} does not fit into {size}, padded by {p}")
        out.append(count)
    return out


def pool(inputs, weights, *, method, kernel, stride=(1, 1), pad=(0, 0), rounding):
    (x,) = inputs
    sizes = x.shape[2:]
    counts = pooled_sizes(sizes, kernel, stride, pad, rounding)
    # Zeros or -inf are put where the last window reaches over the edge.
    after = [
        max(0, (count - 1) * s + k - p - size)
        for count, s, k, p, size in zip(counts, stride, kernel, pad, sizes)
    ]
    fill = {"max": -np.inf, "average": 0.0}[method]
    border = [(0, 0), (0, 0), *zip(pad, after)]
    view = windows(np.pad(x, border, constant_values=fill), kernel, stride)
    view = view[:, :, : counts[0], : counts[1]]
    taps = [view[..., i, j] for i, j in np.ndindex(*kernel)]
    if method == "max":
        y = reduce(np.maximum, taps)
        if np.isneginf(y).any():
            raise ValueError("a pooling window holds no pixel")
        return y
    # Padded zeros count, as far as `pad` reaches; what lies beyond does not.
    lengths = [
        [min(i * s - p + k, size + p) - (i * s - p) for i in range(count)]
        for count, s, k, p, size in zip(counts, stride, kernel, pad, sizes)
    ]
    return sum(taps) / np.outer(*lengths)


def lrn(inputs, weights, *, size, alpha, beta, k=1.0):
    (x,) = inputs
    half = (size - 1) // 2
    padded = np.pad(x * x, [(0, 0), (half, half), (0, 0), (0, 0)])
    total = sum(padded[:, shift : shift + x.shape[1]] for shift in range(size))
    return x * (k + alpha / size * total) ** -beta


def softmax(inputs, weights):
    (x,) = inputs
    y = np.exp(x - x.max(axis=1, keepdims=True))
    return y / y.sum(axis=1, keepdims=True)


def sigmoid(inputs, weights):
    (x,) = inputs
    # The same function as 1 / (1 + exp(-x)), which would overflow.
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def tanh(inputs, weights):
    (x,) = inputs
    return np.tanh(x)


def batch_norm(inputs, weights, *, epsilon):
    (x,) = inputs
    mean, variance = (per_channel(weights[name], x) for name in ("mean", "variance"))
    return (x - mean) / np.sqrt(variance + epsilon)


def scale(inputs, weights):
    (x,) = inputs
    y = x * per_channel(weights["weight"], x)
    return y + per_channel(weights["bias"], x) if "bias" in weights else y


def eltwise(inputs, weights, *, operation, coefficients=()):
    if operation == "sum":
        factors = coefficients or [1.0] * len(inputs)
        return sum(factor * x for factor, x in zip(factors, inputs, strict=True))
    return {"product": np.multiply, "max": np.maximum}[operation].reduce(inputs)


def concat(inputs, weights):
    return np.concatenate(inputs, axis=1)


def flatten(inputs, weights):
    (x,) = inputs
    return x.reshape(len(x), -1)


def reshape(inputs, weights, *, shape):
    (x,) = inputs
    return x.reshape(len(x), *shape)


def crop(inputs, weights, *, offset, size):
    (x,) = inputs
    (top, left), (height, width) = offset, size
    y = x[:, :, top : top + height, left : left + width]
    expect(y, (*x.shape[:2], height, width))
    return y


def dropout(inputs, weights):
    (x,) = inputs
    return x


OPS = {
    op.__name__: op
    for op in (
        convolution, transposed_convolution, inner_product, relu, pool, lrn, softmax, sigmoid,
        tanh, batch_norm, scale, eltwise, concat, flatten, reshape, crop, dropout,
    )
}  # fmt: skip


def expect(array, shape):
    if array.shape != tuple(shape):
        raise ValueError(f"expected shape {list(shape)}, found {list(array.shape)}")


def apply(op, inputs, weights):
    """Evaluates an op as the network file writes it: the bare name, or
    {name: attributes}."""
    ((name, attributes),) = op.items() if isinstance(op, dict) else [(op, {})]
    if name not in OPS:
        raise ValueError(f"unknown op {name}")
    return OPS[name](inputs, weights, **attributes)
