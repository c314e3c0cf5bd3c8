"""Both networks in PyTorch, the pixel step between them, and their random
weights. A tensor's type says in which precision all this runs."""

import torch
from torch.nn import functional as F

from layers import CLASSIFIER, GENERATOR

#: What Caffe's reference model subtracts of blue, green and red in 0..255.
MEAN_BGR = (104.0, 117.0, 123.0)
GREY_LEVELS = 255.0
#: Side of the classifier's input.
SIDE = 227
#: Rows and columns of the generator's output before the crop.
OFFSET = 14


def apply(layer, x, tensors):
    """One layer on a batch; `tensors` are its weight and bias, if it has any."""
    match layer.type:
        case "Convolution":
            return F.conv2d(x, *tensors, layer.stride, layer.pad, 1, layer.group)
        case "Deconvolution":
            return F.conv_transpose2d(x, *tensors, layer.stride, layer.pad, 0, layer.group)
        case "InnerProduct":
            return F.linear(x.flatten(1), *tensors)
        case "ReLU":
            return F.leaky_relu(x, layer.negative_slope)
        case "Pooling":
            return F.max_pool2d(x, layer.kernel, layer.stride, layer.pad, ceil_mode=True)
        case "LRN":
            return F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)
        case "Reshape":
            return x.reshape(-1, *layer.shape)
        case "Dropout":
            return x
        case other:
            raise ValueError(f"layer {layer.name}: unknown type {other}")


def run(layers, weights, x):
    """Every layer's output by name, none of them overwritten by a later one."""
    outputs = {}
    for layer in layers:
        x = outputs[layer.name] = apply(layer, x, weights.get(layer.name, ()))
    return outputs


class StraightInward(torch.autograd.Function):
    """Clamps to [0, 1]. Of a loss that is being minimised, those gradients pass
    along which a step moves the pixel back inwards."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(context, d):
        (x,) = context.saved_tensors
        outwards = ((x < 0) & (d > 0)) | ((x > 1) & (d < 0))
        return d.masked_fill(outwards, 0)


def mean_planes(like):
    return torch.tensor(MEAN_BGR, dtype=like.dtype).view(1, 3, 1, 1)


def decode(output):
    """The generator's BGR output as images: RGB in [0, 1], 227 x 227."""
    images = (output.flip(1) + mean_planes(output).flip(1)) / GREY_LEVELS
    crop = slice(OFFSET, OFFSET + SIDE)
    return StraightInward.apply(images)[:, :, crop, crop]


def encode(images):
    """Images as the classifier's BGR input."""
    return images.flip(1) * GREY_LEVELS - mean_planes(images)


def both(generator, classifier, codes):
    """The outputs of every layer of both networks, and the images."""
    generated = run(GENERATOR, generator, codes)
    images = decode(generated["deconv0"])
    seen = run(CLASSIFIER, classifier, encode(images))
    return generated, images, seen


def he(layers, random, bias):
    """Weights that keep activations of one order through the layers, by name.
    `bias` is the standard deviation of a layer's biases by its name."""
    slopes = [after.negative_slope for after in layers[1:]] + [0.0]
    weights = {}
    for layer, slope in zip(layers, slopes):
        if shape := layer.weight_shape():
            scale = (2 / (1 + slope**2) / layer.fan_in()) ** 0.5
            weight = torch.randn(shape, generator=random).mul_(scale)
            biases = torch.randn(layer.outputs, generator=random).mul_(bias(layer.name))
            weights[layer.name] = weight, biases
    return weights


def rescale(weights, name, outputs, std):
    """Scales a layer's weight, so that its outputs, of which these are some
    without the bias, have a standard deviation of `std`."""
    weights[name][0].mul_(std / outputs.std())


def in_double(weights):
    return {name: [tensor.double() for tensor in pair] for name, pair in weights.items()}


def in_half(weights):
    """Rounded to half precision, as a generator is stored by default."""
    return {name: [tensor.half().float() for tensor in pair] for name, pair in weights.items()}
