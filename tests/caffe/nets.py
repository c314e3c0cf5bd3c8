"""The networks of the tests: miniatures of published ones, and one per kind of op in all its forms."""

import copy
from dataclasses import dataclass

import numpy as np

from wire import Layer, Net, Style

TRAIN, TEST = {"phase": "TRAIN"}, {"phase": "TEST"}
random = np.random.default_rng(3)


@dataclass
class Case:
    """A network with the files that are made of it.

    `net` is written as prototxt of version `text`; `model` (`net` itself where there is none) as
    caffemodel of version `binary`. `batch` is how many samples OpenCV runs at once; 0 if it does not run it.
    """

    net: Net
    text: int
    binary: int
    style: Style
    model: Net = None
    batch: int = 2


def normal(*shape, std=1.0, mean=0.0):
    return random.normal(mean, std, shape).astype(np.float32)


def conv(name, bottom, channels, outputs, kernel, top=None, **param):
    """A convolution whose outputs are of order one. `kernel` is a number, or [height, width]."""
    sizes = kernel if isinstance(kernel, list) else [kernel, kernel]
    shape = (outputs, channels // param.get("group", 1), *sizes)
    return linear(Layer(name, "Convolution", [bottom], [top or name]), shape, outputs, kernel, param)


def deconv(name, bottom, channels, outputs, kernel, top=None, **param):
    """A transposed convolution: weights are (input channels, outputs / groups, height, width)."""
    sizes = kernel if isinstance(kernel, list) else [kernel, kernel]
    shape = (channels, outputs // param.get("group", 1), *sizes)
    return linear(Layer(name, "Deconvolution", [bottom], [top or name]), shape, outputs, kernel, param)


def linear(layer, shape, outputs, kernel, param):
    forms = {"kernel_size": kernel} if not {"kernel_h", "kernel_w"} & param.keys() else {}
    layer.fields["convolution_param"] = {"num_output": outputs, **forms, **param}
    layer.blobs = [normal(*shape, std=np.prod(shape[1:]) ** -0.5 * 1.3)]
    if param.get("bias_term", True):
        layer.blobs.append(normal(outputs, std=0.3))
    return layer


def inner(name, bottom, inputs, outputs, top=None, **param):
    shape = (inputs, outputs) if param.get("transpose") else (outputs, inputs)
    blobs = [normal(*shape, std=1.3 * inputs**-0.5)]
    if param.get("bias_term", True):
        blobs.append(normal(outputs, std=0.3))
    return Layer(name, "InnerProduct", [bottom], [top or name], blobs, inner_product_param={"num_output": outputs, **param})


def relu(name, blob, slope=0.0):
    """In place, as Caffe's networks have it."""
    return Layer(name, "ReLU", [blob], [blob], **({"relu_param": {"negative_slope": slope}} if slope else {}))


def pool(name, bottom, method="MAX", **param):
    return Layer(name, "Pooling", [bottom], [name], pooling_param={"pool": method, **param})


def lrn(name, bottom, **param):
    return Layer(name, "LRN", [bottom], [name], lrn_param=param)


def dropout(name, blob):
    return Layer(name, "Dropout", [blob], [blob], dropout_param={"dropout_ratio": 0.5})


def softmax(name, bottom, **param):
    return Layer(name, "Softmax", [bottom], [name], **({"softmax_param": param} if param else {}))


def norm_scale(suffix, blob, channels, **norm):
    """Batch norm and scale in place, as ResNet has them. The factor that mean and variance are multiples of is not 1."""
    factor = np.float32(40.0)
    blobs = [normal(channels) * factor, (0.5 + random.random(channels, dtype=np.float32)) * factor, factor.reshape(1)]
    factors = [normal(channels, mean=1, std=0.2), normal(channels, std=0.2)]
    return [
        Layer(f"bn{suffix}", "BatchNorm", [blob], [blob], blobs, batch_norm_param={"use_global_stats": True, **norm}),
        Layer(f"scale{suffix}", "Scale", [blob], [blob], factors, scale_param={"bias_term": True}),
    ]


def concat(name, bottoms, **param):
    return Layer(name, "Concat", bottoms, [name], **({"concat_param": param} if param else {}))


def eltwise(name, bottoms, **param):
    return Layer(name, "Eltwise", bottoms, [name], **({"eltwise_param": param} if param else {}))


def with_training(net, output, crop):
    """The network as its training has it: a data layer of each phase, a loss, an accuracy; no input."""
    transform = {"mirror": True, "crop_size": crop, "mean_file": "imagenet_mean.binaryproto"}
    data = [
        Layer("data", "Data", [], ["data", "label"], data_param=source, transform_param=transform, include=rule)
        for source, rule in [
            ({"source": "train_leveldb", "batch_size": 256}, TRAIN),
            ({"source": "val_leveldb", "batch_size": 50}, TEST),
        ]
    ]
    ends = [
        Layer("accuracy", "Accuracy", [output, "label"], ["accuracy"], include=TEST),
        Layer("loss", "SoftmaxWithLoss", [output, "label"], ["loss"]),
    ]
    body = [layer for layer in copy.deepcopy(net.layers) if layer.type != "Softmax"]
    return Net(net.name, data + body + ends)


def as_saved(net):
    """What Caffe writes of a network while it trains it: no layers of phase TEST, copies of shared blobs."""
    layers = [layer for layer in net.layers if layer.fields.get("include") != TEST]
    return with_splits(Net(net.name, layers, net.inputs, net.input_form))


def with_splits(net):
    """Split layers wherever a blob is read more than once, as Caffe adds them to the networks that it saves."""
    layers, copies = [], {}
    for at, layer in enumerate(copy.deepcopy(net.layers)):
        layer.bottoms = [copies[blob].pop(0) if copies.get(blob) else blob for blob in layer.bottoms]
        layers.append(layer)
        for i, blob in enumerate(layer.tops):
            readers = reads(net, at, blob)
            if readers > 1:
                name = f"{blob}_{layer.name}_{i}_split"
                copies[blob] = [f"{name}_{k}" for k in range(readers)]
                layers.append(Layer(name, "Split", [blob], list(copies[blob])))
    return Net(net.name, layers, net.inputs, net.input_form)


def reads(net, at, blob):
    """How often the value that layer `at` gives to `blob` is read, until a layer overwrites it."""
    count = 0
    for layer in net.layers[at + 1 :]:
        count += layer.bottoms.count(blob)
        if blob in layer.tops:
            break
    return count


def caffenet():
    """CaffeNet: pool before norm, groups; the file has the form of those that Caffe saved in 2014."""
    layers = [
        conv("conv1", "data", 3, 8, 5, stride=2),
        relu("relu1", "conv1"),
        pool("pool1", "conv1", kernel_size=3, stride=2),
        lrn("norm1", "pool1", local_size=5, alpha=0.5, beta=0.75),
        conv("conv2", "norm1", 8, 12, 5, pad=2, group=2),
        relu("relu2", "conv2"),
        pool("pool2", "conv2", kernel_size=3, stride=2),
        lrn("norm2", "pool2", local_size=3, alpha=0.1),
        conv("conv3", "norm2", 12, 12, 3, pad=1),
        relu("relu3", "conv3"),
        conv("conv4", "conv3", 12, 12, 3, pad=1, group=2),
        relu("relu4", "conv4"),
        conv("conv5", "conv4", 12, 8, 3, pad=1, group=2),
        relu("relu5", "conv5"),
        pool("pool5", "conv5", kernel_size=3, stride=2),
        *fully_connected(32, 24, 24, 10),
    ]
    net = Net("CaffeNet", layers, {"data": [10, 3, 35, 35]}, "dim")
    return Case(net, 1, 1, Style(), as_saved(with_training(net, "fc8", 35)))


def fully_connected(inputs, fc6, fc7, fc8):
    return [
        inner("fc6", "pool5", inputs, fc6),
        relu("relu6", "fc6"),
        dropout("drop6", "fc6"),
        inner("fc7", "fc6", fc6, fc7),
        relu("relu7", "fc7"),
        dropout("drop7", "fc7"),
        inner("fc8", "fc7", fc7, fc8),
        softmax("prob", "fc8"),
    ]


def alexnet():
    """AlexNet as V0 had it: norm before pool, padding in layers of their own (before a pool, too)."""
    padding = lambda name, bottom, pad: Layer(name, "Padding", [bottom], [name], padding_param={"pad": pad})
    layers = [
        conv("conv1", "data", 3, 8, 5, stride=2),
        relu("relu1", "conv1"),
        lrn("norm1", "conv1", local_size=5, alpha=0.3, beta=0.75),
        pool("pool1", "norm1", kernel_size=3, stride=2),
        padding("pad2", "pool1", 2),
        conv("conv2", "pad2", 8, 12, 5, group=2),
        relu("relu2", "conv2"),
        lrn("norm2", "conv2", local_size=5, alpha=0.3, beta=0.6),
        padding("pad_pool2", "norm2", 1),
        pool("pool2", "pad_pool2", kernel_size=3, stride=2),
        padding("pad3", "pool2", 1),
        conv("conv3", "pad3", 12, 12, 3),
        relu("relu3", "conv3"),
        pool("pool5", "conv3", "AVE", kernel_size=3, stride=2),
        *fully_connected(48, 24, 16, 10),
    ]
    net = Net("AlexNet", layers, {"data": [10, 3, 31, 31]}, "dim")
    return Case(net, 0, 0, Style())


def generator():
    """PPGN's generator. Its Reshape names the batch as 1, so it is run sample by sample."""
    full = lambda name, bottom, inputs, outputs: [inner(name, bottom, inputs, outputs), relu(f"relu_{name}", name, 0.3)]
    up = lambda name, bottom, ins, outs, *ksp: [
        deconv(name, bottom, ins, outs, ksp[0], stride=ksp[1], pad=ksp[2]),
        relu(f"relu_{name}", name, 0.3),
    ]
    reshape = Layer("reshape", "Reshape", ["defc5"], ["reshape_defc5"], reshape_param={"shape": {"dim": [1, 8, 4, 4]}})
    layers = [
        *full("defc7", "feat", 16, 24),
        *full("defc6", "defc7", 24, 24),
        *full("defc5", "defc6", 24, 128),
        reshape,
        *up("deconv5", "reshape_defc5", 8, 8, 4, 2, 1),
        *up("conv5_1", "deconv5", 8, 12, 3, 1, 1),
        *up("deconv4", "conv5_1", 12, 6, 4, 2, 1),
        *up("deconv0", "deconv4", 6, 3, 4, 2, 1)[:1],
    ]
    return Case(Net("generator", layers, {"feat": [1, 16]}, "shape"), 2, 2, Style(), batch=1)


def vgg():
    """VGG: all 3x3, 2x2 pools; its prototxt and its file are V1. The file holds layers of both phases."""
    block = lambda name, bottom, ins, outs: [conv(name, bottom, ins, outs, 3, pad=1), relu(name.replace("conv", "relu"), name)]
    layers = [
        *block("conv1_1", "data", 3, 6),
        *block("conv1_2", "conv1_1", 6, 6),
        pool("pool1", "conv1_2", kernel_size=2, stride=2),
        *block("conv2_1", "pool1", 6, 8),
        *block("conv2_2", "conv2_1", 8, 8),
        pool("pool2", "conv2_2", kernel_size=2, stride=2),
        inner("fc6", "pool2", 128, 20),
        relu("relu6", "fc6"),
        dropout("drop6", "fc6"),
        inner("fc8", "fc6", 20, 10),
        softmax("prob", "fc8"),
    ]
    net = Net("VGG", layers, {"data": [10, 3, 16, 16]}, "dim")
    return Case(net, 1, 1, Style(packing="unpacked"), with_training(net, "fc8", 16))


def inception():
    """A GoogLeNet module between its first layers and its last; the file has Split layers and is V1."""
    named = lambda name, bottom, ins, outs, kernel, **p: [
        conv(f"inception_3a/{name}", bottom, ins, outs, kernel, **p),
        relu(f"inception_3a/relu_{name}", f"inception_3a/{name}"),
    ]
    layers = [
        conv("conv1/7x7_s2", "data", 3, 8, 7, pad=3, stride=2),
        relu("conv1/relu_7x7", "conv1/7x7_s2"),
        pool("pool1/3x3_s2", "conv1/7x7_s2", kernel_size=3, stride=2),
        lrn("pool1/norm1", "pool1/3x3_s2", local_size=5, alpha=0.0001, beta=0.75),
        *named("1x1", "pool1/norm1", 8, 4, 1),
        *named("3x3_reduce", "pool1/norm1", 8, 4, 1),
        *named("3x3", "inception_3a/3x3_reduce", 4, 6, 3, pad=1),
        *named("5x5_reduce", "pool1/norm1", 8, 2, 1),
        *named("5x5", "inception_3a/5x5_reduce", 2, 4, 5, pad=2),
        pool("inception_3a/pool", "pool1/norm1", kernel_size=3, stride=1, pad=1),
        *named("pool_proj", "inception_3a/pool", 8, 4, 1),
        concat("inception_3a/output", [f"inception_3a/{name}" for name in ["1x1", "3x3", "5x5", "pool_proj"]]),
        pool("pool5/7x7_s1", "inception_3a/output", "AVE", kernel_size=8, stride=1),
        dropout("pool5/drop_7x7_s1", "pool5/7x7_s1"),
        inner("loss3/classifier", "pool5/7x7_s1", 18, 10),
        softmax("prob", "loss3/classifier"),
    ]
    net = Net("GoogleNet", layers, {"data": [10, 3, 31, 31]}, "layer")
    saved = Net(net.name, net.layers, net.inputs, "dim")
    return Case(net, 2, 1, Style(packing="mixed", unknown=True), with_splits(saved))


def resnet():
    """A ResNet block: batch norm, scale and ReLU in place on one blob, sum of two branches."""
    layers = [
        conv("conv1", "data", 3, 8, 3, pad=1, stride=2),
        *norm_scale("_conv1", "conv1", 8),
        relu("conv1_relu", "conv1"),
        pool("pool1", "conv1", kernel_size=3, stride=2),
        conv("res2a_branch1", "pool1", 8, 12, 1, bias_term=False),
        *norm_scale("2a_branch1", "res2a_branch1", 12, eps=0.1),
        conv("res2a_branch2a", "pool1", 8, 6, 3, pad=1, bias_term=False),
        *norm_scale("2a_branch2a", "res2a_branch2a", 6),
        relu("res2a_branch2a_relu", "res2a_branch2a"),
        conv("res2a_branch2b", "res2a_branch2a", 6, 12, 1, bias_term=False),
        *norm_scale("2a_branch2b", "res2a_branch2b", 12),
        eltwise("res2a", ["res2a_branch1", "res2a_branch2b"]),
        relu("res2a_relu", "res2a"),
        pool("pool5", "res2a", "AVE", kernel_size=8, stride=1),
        inner("fc1000", "pool5", 12, 10),
        softmax("prob", "fc1000"),
    ]
    net = Net("ResNet", layers, {"data": [1, 3, 32, 32]}, "layer")
    return Case(net, 2, 2, Style(reversed=True, unknown=True))


def squeezenet():
    """A SqueezeNet fire module; global average instead of inner products. The file is what a training run saved,
    each layer with that run's phase, and its numbers are doubles."""
    layers = [
        conv("conv1", "data", 3, 8, 3, stride=2),
        relu("relu_conv1", "conv1"),
        pool("pool1", "conv1", kernel_size=3, stride=2),
        conv("fire2/squeeze1x1", "pool1", 8, 4, 1),
        relu("fire2/relu_squeeze1x1", "fire2/squeeze1x1"),
        conv("fire2/expand1x1", "fire2/squeeze1x1", 4, 8, 1),
        relu("fire2/relu_expand1x1", "fire2/expand1x1"),
        conv("fire2/expand3x3", "fire2/squeeze1x1", 4, 8, 3, pad=1),
        relu("fire2/relu_expand3x3", "fire2/expand3x3"),
        concat("fire2/concat", ["fire2/expand1x1", "fire2/expand3x3"]),
        dropout("drop9", "fire2/concat"),
        conv("conv10", "fire2/concat", 16, 10, 1),
        relu("relu_conv10", "conv10"),
        pool("pool10", "conv10", "AVE", global_pooling=True),
        softmax("prob", "pool10"),
    ]
    net = Net("SqueezeNet", layers, {"data": [10, 3, 27, 27]}, "shape")
    saved = as_saved(with_training(net, "pool10", 27))
    for layer in saved.layers:
        layer.fields["phase"] = "TRAIN"
    return Case(net, 2, 2, Style(double=True, packing="mixed"), saved)


def convolutions():
    """Every way to write a convolution. The file holds names and weights alone."""
    layers = [
        conv("wide", "data", 3, 6, [3, 5], kernel_h=3, kernel_w=5, pad_h=1, pad_w=2, stride_h=1, stride_w=2),
        conv("tall", "wide", 6, 6, [5, 2], kernel_h=5, kernel_w=2, stride=2),
        conv("pairs", "data", 3, 4, [3, 2], pad=[2, 0], stride=[2, 1]),
        conv("dilated", "data", 3, 6, 3, dilation=2, pad=2),
        conv("uneven", "dilated", 6, 6, 3, dilation=[1, 3], pad=[0, 3], group=3),
        conv("depthwise", "uneven", 6, 12, 3, group=6, bias_term=False),
        conv("point", "depthwise", 12, 5, 1, stride=3),
        Layer("leaky", "ReLU", ["point"], ["leaky"], relu_param={"negative_slope": 0.1}),
    ]
    net = Net("convolutions", layers, {"data": [1, 3, 13, 17]}, "shape")
    return Case(net, 2, 2, Style(structure=False, packing="mixed"))


def deconvolutions():
    """Transposed convolutions, and Crop to the size of an earlier layer as segmentation networks have it."""
    crop = lambda name, bottoms, **p: Layer(name, "Crop", bottoms, [name], **({"crop_param": p} if p else {}))
    layers = [
        conv("encode", "data", 2, 4, 3, stride=2),
        deconv("stride2", "encode", 4, 6, 4, stride=2, pad=1),
        deconv("stride1", "stride2", 6, 5, 3, pad=1),
        deconv("grouped", "encode", 4, 6, 3, stride=3, group=2, bias_term=False),
        deconv("wide", "encode", 4, 3, [2, 5], kernel_h=2, kernel_w=5, stride_h=2, stride_w=1, pad_h=0, pad_w=2),
        crop("cropped", ["grouped", "data"], axis=2, offset=[2, 1]),
        crop("corner", ["stride1", "encode"], axis=2, offset=3),
    ]
    net = Net("deconvolutions", layers, {"data": [1, 2, 13, 11]}, "layer")
    return Case(net, 2, 2, Style(dims="legacy", reversed=True))


def pools():
    """Pools by the rounding rule and its exception, with padding, of uneven sizes, over everything."""
    layers = [
        conv("conv", "data", 2, 4, 1),
        pool("max_ceil", "conv", kernel_size=3, stride=2),
        pool("max_floor", "conv", kernel_size=3, stride=2, round_mode="FLOOR"),
        pool("max_pad", "conv", kernel_size=3, stride=2, pad=1),
        pool("max_2_pad", "conv", kernel_size=2, stride=2, pad=1),
        pool("max_wide", "conv", kernel_h=2, kernel_w=4, stride_h=1, stride_w=3),
        pool("max_global", "conv", global_pooling=True),
        pool("average", "conv", "AVE", kernel_size=3, stride=3),
        pool("average_ceil", "conv", "AVE", kernel_size=3, stride=2),
        pool("average_floor", "conv", "AVE", kernel_size=3, stride=2, round_mode="FLOOR"),
        pool("average_pad", "conv", "AVE", kernel_size=3, stride=2, pad=1),
        pool("average_2_pad", "conv", "AVE", kernel_size=2, stride=2, pad=1),
        pool("average_global", "conv", "AVE", global_pooling=True),
    ]
    return Case(Net("pools", layers, {"data": [1, 2, 11, 14]}, "layer"), 2, 2, Style(packing="unpacked", dims="legacy"))


def joins():
    """Ops that join, reshape and bend."""
    layers = [
        conv("left", "data", 3, 4, 3, pad=1),
        conv("right", "data", 3, 4, 3, pad=1),
        Layer("sigmoid", "Sigmoid", ["left"], ["sigmoid"]),
        Layer("tanh", "TanH", ["right"], ["tanh"]),
        Layer("rectified", "ReLU", ["left"], ["rectified"]),
        Layer("scale", "Scale", ["left"], ["scale"], [normal(4, mean=1)]),
        Layer("scale_bias", "Scale", ["right"], ["scale_bias"], [normal(4, mean=1), normal(4)], scale_param={"bias_term": True}),
        Layer("power", "Power", ["right"], ["power"], power_param={"scale": -0.5, "shift": 1.5}),
        Layer("norm", "BatchNorm", ["left"], ["norm"], [normal(4) * 3, (1 + normal(4) ** 2) * 3, np.float32([3])]),
        eltwise("sum", ["left", "right", "tanh"]),
        eltwise("weighted", ["left", "right"], operation="SUM", coeff=[0.5, -2.0]),
        eltwise("product", ["left", "sigmoid"], operation="PROD"),
        eltwise("greatest", ["left", "right", "tanh"], operation="MAX"),
        concat("concat", ["sum", "product"]),
        concat("stacked", ["weighted", "greatest"], concat_dim=1),
        softmax("channels", "concat"),
        lrn("lrn_k", "concat", local_size=3, alpha=0.5, beta=0.5, k=2.0),
        Layer("split", "Split", ["stacked"], ["split_0", "split_1"]),
        conv("after_split", "split_1", 8, 2, 1),
        Layer("flat", "Flatten", ["split_0"], ["flat"]),
        inner("transposed", "flat", 200, 7, transpose=True),
        inner("full", "flat", 200, 12),
        Layer("reshape", "Reshape", ["full"], ["reshape"], reshape_param={"shape": {"dim": [0, 3, 2, -1]}}),
        conv("narrow", "reshape", 3, 4, 1),
        inner("last", "narrow", 16, 6, bias_term=False),
        Layer("rectified_last", "ReLU", ["last"], ["last"]),
    ]
    return Case(Net("joins", layers, {"data": [1, 3, 5, 5]}, "dim"), 2, 2, Style(packing="mixed", reversed=True))


def by_hand():
    """Small whole numbers, so that every value can be worked out by hand (xtask/tests/caffe/by_hand.rs does)."""
    array = lambda *values: np.float32(values)
    nine = np.arange(1, 10).reshape(1, 3, 3)
    bare = lambda layer, *blobs: Layer(layer.name, layer.type, layer.bottoms, layer.tops, blobs, **layer.fields)
    layers = [
        pool("max_pad", "data", kernel_size=2, stride=2, pad=1),
        pool("max_floor", "data", kernel_size=2, stride=2, round_mode="FLOOR"),
        pool("average_pad", "data", "AVE", kernel_size=2, stride=2, pad=1),
        pool("average_ceil", "data", "AVE", kernel_size=2, stride=2),
        lrn("lrn", "data", local_size=3, alpha=3.0, beta=1.0, k=2.0),
        bare(conv("dilated", "data", 2, 1, 2, dilation=2, bias_term=False), array([[[1, 10], [100, 1000]], [[0, 0], [0, 0]]])),
        bare(deconv("deconv", "max_floor", 2, 1, 2), array([[[1, 2], [3, 4]]], [[[0, 1], [0, 0]]]), array(0.5)),
        bare(deconv("deconv_stride", "max_pad", 2, 2, 3, stride=2, pad=1, group=2, bias_term=False), array(nine, nine)),
        bare(inner("transposed", "max_floor", 2, 3, transpose=True), array([1, 2, 3], [4, 5, 6]), array(0.5, 0, 0)),
        Layer("bias", "Bias", ["data"], ["bias"], [array(10, 20)]),
        Layer("norm", "BatchNorm", ["data"], ["norm"], [array(2, 4), array(8, 22), array(2)], batch_norm_param={"eps": 5.0}),
        Layer("scale", "Scale", ["data"], ["scale"], [array(2, -1)]),
        eltwise("weighted", ["data", "scale"], coeff=[0.5, -2.0]),
        eltwise("greatest", ["data", "scale"], operation="MAX"),
        softmax("softmax", "data"),
        Layer("crop", "Crop", ["data", "max_pad"], ["crop"], crop_param={"axis": 2, "offset": [1, 0]}),
    ]
    return Case(Net("by hand", layers, {"data": [1, 2, 3, 3]}, "layer"), 2, 2, Style(), batch=0)


MAKERS = [caffenet, alexnet, generator, vgg, inception, resnet, squeezenet]
MAKERS += [convolutions, deconvolutions, pools, joins, by_hand]
CASES = {make.__name__: make() for make in MAKERS}
