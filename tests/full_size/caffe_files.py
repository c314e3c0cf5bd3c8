"""The two networks as Caffe files of the form that the published ones have:
the classifier as it was saved in training in 2014, the generator as a newer
Caffe saved it."""

import sys
from pathlib import Path

from layers import CLASSIFIER, GENERATOR

sys.path.append(str(Path(__file__).parent.parent / "caffe"))
import wire  # noqa: E402

#: How a training network reads its images, in the fields of that time.
TRAINING_DATA = {
    "source": "ilsvrc12_train_leveldb",
    "mean_file": "imagenet_mean.binaryproto",
    "batch_size": 256,
    "crop_size": 227,
    "mirror": True,
}
TRAIN = {"phase": "TRAIN"}


def write_classifier(path, weights):
    """Version 1, legacy shapes, with the layers of training around it."""
    rates = {"blobs_lr": [1.0, 2.0], "weight_decay": [1.0, 0.0]}
    layers = [
        wire.Layer(
            "data", "Data", [], ["data", "label"], include=TRAIN, data_param=TRAINING_DATA
        ),
        *chain(CLASSIFIER, "data", weights, rates),
        wire.Layer("loss", "SoftmaxWithLoss", ["fc8", "label"], ["loss"]),
    ]
    wire.write_caffemodel(path, wire.Net("CaffeNet", layers), version=1)


def write_generator(path, weights):
    """Version 2, an input of which only the name is known."""
    rates = {"param": [{"lr_mult": rate, "decay_mult": rate} for rate in (1.0, 0.0)]}
    layers = chain(GENERATOR, "feat", weights, rates)
    net = wire.Net("generator", layers, inputs={"feat": [1, 4096]}, input_form="name")
    wire.write_caffemodel(path, net, version=2)


def chain(layers, blob, weights, rates):
    """Layers one after another from a blob on; `rates` are the training fields
    of those with weights. Activation functions and dropout work in place."""
    described = []
    for layer in layers:
        top = blob if layer.type in ("ReLU", "Dropout") else layer.name
        tensors = [tensor.numpy() for tensor in weights.get(layer.name, ())]
        fields = parameters(layer) | (rates if tensors else {})
        described.append(wire.Layer(layer.name, layer.type, [blob], [top], tensors, **fields))
        blob = top
    return described


def parameters(layer):
    """A layer's parameter message by its field; none where all is default."""
    match layer.type:
        case "Convolution" | "Deconvolution":
            return {"convolution_param": sizes(layer, "pad", "kernel", "group", "stride")}
        case "InnerProduct":
            return {"inner_product_param": sizes(layer)}
        case "Pooling":
            window = {"kernel_size": layer.kernel, "stride": layer.stride}
            return {"pooling_param": {"pool": "MAX"} | window}
        case "LRN":
            return {"lrn_param": {"local_size": 5, "alpha": 1e-4, "beta": 0.75}}
        case "Dropout":
            return {"dropout_param": {"dropout_ratio": 0.5}}
        case "Reshape":
            return {"reshape_param": {"shape": {"dim": [1, *layer.shape]}}}
        case "ReLU" if layer.negative_slope:
            return {"relu_param": {"negative_slope": layer.negative_slope}}
        case _:
            return {}


def sizes(layer, *names):
    defaults = {"pad": 0, "group": 1, "stride": 1}
    found = {"num_output": layer.outputs}
    for name in names:
        value = getattr(layer, name)
        if value != defaults.get(name):
            found["kernel_size" if name == "kernel" else name] = value
    return found
