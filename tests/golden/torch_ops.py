"""Every op of the network file in PyTorch: how its own functions spell it, and,
where they follow another rule than Caffe's or leave a choice open, the rule
written out.

An op takes the list of its inputs, batch in front, the dict of its tensors,
and its attributes as they stand in the file.
"""

import torch
from torch.nn import functional as F


def convolution(xs, w, outputs, kernel, stride, pad, dilation, groups, bias):
    return F.conv2d(xs[0], w["weight"], w.get("bias"), stride, pad, dilation, groups)


def transposed_convolution(xs, w, outputs, kernel, stride, pad, dilation, groups, bias):
    return F.conv_transpose2d(
        xs[0], w["weight"], w.get("bias"), stride, pad, 0, groups, dilation
    )  # fmt: skip


def inner_product(xs, w, outputs, bias):
    return F.linear(xs[0].flatten(1), w["weight"], w.get("bias"))


def relu(xs, w, negative_slope):
    return F.leaky_relu(xs[0], negative_slope)


def pooled_size(size, kernel, stride, pad, any_pad, rounding):
    """pooling_layer.cpp of Caffe: a last window that begins beyond the image
    and its left padding is dropped, but only if there is any padding."""
    room = size + 2 * pad - kernel
    count = (-(-room // stride) if rounding == "ceil" else room // stride) + 1
    if any_pad and (count - 1) * stride >= size + pad:
        count -= 1
    return count


def pool(xs, w, method, kernel, stride, pad, rounding):
    """Written out window by window. PyTorch promises neither which of two
    equal maxima takes the gradient (Caffe: the first in raster order) nor what
    an average divides by where a ceil-mode window leaves the padded image
    (Caffe: the window clipped to it), drops windows without padding too, and
    refuses a padding above half the kernel."""
    x = xs[0]
    sizes = x.shape[2:]
    counts = [
        pooled_size(size, k, s, p, any(pad), rounding)
        for size, k, s, p in zip(sizes, kernel, stride, pad)
    ]
    rows = []
    for i in range(counts[0]):
        for j in range(counts[1]):
            begin = [i * stride[0] - pad[0], j * stride[1] - pad[1]]
            end = [min(b + k, size + p) for b, k, size, p in zip(begin, kernel, sizes, pad)]
            # Slices clip to the image at its far edges by themselves.
            window = x[:, :, max(begin[0], 0) : end[0], max(begin[1], 0) : end[1]].flatten(2)
            if method == "max":
                first = window.argmax(2, keepdim=True)
                rows.append(window.gather(2, first)[..., 0])
            else:
                rows.append(window.sum(2) / ((end[0] - begin[0]) * (end[1] - begin[1])))
    return torch.stack(rows, 2).reshape(*x.shape[:2], *counts)


def lrn(xs, w, size, alpha, beta, k):
    return F.local_response_norm(xs[0], size, alpha, beta, k)


def softmax(xs, w):
    return xs[0].softmax(1)


def sigmoid(xs, w):
    return xs[0].sigmoid()


def tanh(xs, w):
    return xs[0].tanh()


def batch_norm(xs, w, epsilon):
    return F.batch_norm(xs[0], w["mean"], w["variance"], training=False, eps=epsilon)


def scale(xs, w):
    shape = (-1,) + (1,) * (xs[0].dim() - 2)
    y = xs[0] * w["weight"].reshape(shape)
    return y + w["bias"].reshape(shape) if "bias" in w else y


def eltwise(xs, w, operation, coefficients=None):
    if operation == "sum":
        return sum(c * x for c, x in zip(coefficients or [1.0] * len(xs), xs))
    stack = torch.stack(xs)
    if operation == "product":
        return stack.prod(0)
    # PyTorch's maximum shares the gradient among equals; here the first input takes it.
    return stack.gather(0, stack.argmax(0, keepdim=True))[0]


def concat(xs, w):
    return torch.cat(xs, 1)


def flatten(xs, w):
    return xs[0].flatten(1)


def reshape(xs, w, shape):
    return xs[0].reshape(-1, *shape)


def crop(xs, w, offset, size):
    return xs[0][:, :, offset[0] : offset[0] + size[0], offset[1] : offset[1] + size[1]]


def dropout(xs, w):
    return F.dropout(xs[0], training=False)


OPS = {
    op.__name__: op
    for op in (
        convolution, transposed_convolution, inner_product, relu, pool, lrn, softmax, sigmoid,
        tanh, batch_norm, scale, eltwise, concat, flatten, reshape, crop, dropout,
    )
}  # fmt: skip


def parts(op):
    """An op as the network file writes it, the bare name or {name: attributes}
    -> (name, attributes)."""
    return next(iter(op.items())) if isinstance(op, dict) else (op, {})


def apply(op, xs, weights):
    """Evaluates an op as the network file writes it."""
    name, attributes = parts(op)
    return OPS[name](xs, weights, **attributes)
