"""The layers of the paper's two networks, in the words of caffe.proto.

A layer is run by `networks.py` and written to a file by `caffe_files.py`.
Sizes are of one sample, planes are square. Every layer but the first takes the
output of the one before it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """`type` is that of a V2 file; the other fields count where it has them."""

    name: str
    type: str
    inputs: int = 0
    outputs: int = 0
    kernel: int = 0
    stride: int = 1
    pad: int = 0
    group: int = 1
    negative_slope: float = 0.0
    shape: tuple[int, ...] = ()

    def weight_shape(self):
        """[out, in / group, k, k]; transposed [in, out / group, k, k]; inner
        product [out, in]. None for a layer without weights."""
        plane = [self.kernel, self.kernel]
        match self.type:
            case "Convolution":
                return [self.outputs, self.inputs // self.group, *plane]
            case "Deconvolution":
                return [self.inputs, self.outputs // self.group, *plane]
            case "InnerProduct":
                return [self.outputs, self.inputs]
            case _:
                return None

    def fan_in(self):
        """How many products each output is a sum of."""
        if self.type == "Deconvolution":
            return self.inputs // self.group * self.kernel**2 // self.stride**2
        rows = self.weight_shape()[1:]
        count = 1
        for size in rows:
            count *= size
        return count


def convolution(name, inputs, outputs, kernel, **rest):
    return Layer(name, "Convolution", inputs, outputs, kernel, **rest)


def inner_product(name, inputs, outputs):
    return Layer(name, "InnerProduct", inputs, outputs)


def relu(number):
    return Layer(f"relu{number}", "ReLU")


def pool(number):
    return Layer(f"pool{number}", "Pooling", kernel=3, stride=2)


def norm(number):
    """Across 5 channels, alpha 1e-4, beta 0.75, as both layers of CaffeNet."""
    return Layer(f"norm{number}", "LRN")


def dropout(number):
    return Layer(f"drop{number}", "Dropout")


CLASSIFIER = [
    convolution("conv1", 3, 96, 11, stride=4), relu(1), pool(1), norm(1),
    convolution("conv2", 96, 256, 5, pad=2, group=2), relu(2), pool(2), norm(2),
    convolution("conv3", 256, 384, 3, pad=1), relu(3),
    convolution("conv4", 384, 384, 3, pad=1, group=2), relu(4),
    convolution("conv5", 384, 256, 3, pad=1, group=2), relu(5), pool(5),
    inner_product("fc6", 9216, 4096), relu(6), dropout(6),
    inner_product("fc7", 4096, 4096), relu(7), dropout(7),
    inner_product("fc8", 4096, 1000),
]  # fmt: skip


def leaky(layer):
    """A layer and the activation function that the generator has behind it."""
    return [layer, Layer(f"relu_{layer.name}", "ReLU", negative_slope=0.3)]


def twice_as_wide(name, inputs, outputs):
    return Layer(name, "Deconvolution", inputs, outputs, kernel=4, stride=2, pad=1)


def as_wide(name, inputs, outputs):
    return Layer(name, "Deconvolution", inputs, outputs, kernel=3, stride=1, pad=1)


GENERATOR = [
    *leaky(inner_product("defc7", 4096, 4096)),
    *leaky(inner_product("defc6", 4096, 4096)),
    *leaky(inner_product("defc5", 4096, 4096)),
    Layer("reshape", "Reshape", shape=(256, 4, 4)),
    *leaky(twice_as_wide("deconv5", 256, 256)),
    *leaky(as_wide("conv5_1", 256, 512)),
    *leaky(twice_as_wide("deconv4", 512, 256)),
    *leaky(as_wide("conv4_1", 256, 256)),
    *leaky(twice_as_wide("deconv3", 256, 128)),
    *leaky(as_wide("conv3_1", 128, 128)),
    *leaky(twice_as_wide("deconv2", 128, 64)),
    *leaky(twice_as_wide("deconv1", 64, 32)),
    twice_as_wide("deconv0", 32, 3),
]
