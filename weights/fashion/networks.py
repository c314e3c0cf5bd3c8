"""The four networks: classifier, judge, generator and discriminator.

Images are batches [n, 1, 32, 32] of grey values in [0, 1]. The classifier and
the judge encode them themselves, as (x - mean) / std with fixed numbers.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

MEAN = 0.2190  # about the mean and standard deviation of the padded training images
STD = 0.3318
LABELS = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]


class Lrn(nn.Module):
    """Local response normalisation across channels, Caffe's formula.

    y = x * (k + alpha / size * sum of x^2 over `size` channels) ** -0.75
    """

    def __init__(self, size=5, alpha=1e-4, k=1.0):
        super().__init__()
        self.size, self.alpha, self.k = size, alpha, k

    def forward(self, x):
        half = self.size // 2
        channels = x.shape[1]
        square = F.pad(x * x, (0, 0, 0, 0, half, half))
        total = square[:, :channels]
        for shift in range(1, self.size):
            total = total + square[:, shift:shift + channels]
        scale = torch.rsqrt(self.k + self.alpha / self.size * total)
        return x * scale * torch.sqrt(scale)


class Classifier(nn.Module):
    """CaffeNet in miniature: the same layers in the same order, fewer units."""

    def __init__(self, dropout=0.2):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(64, 96, 3, padding=1)
        self.conv4 = nn.Conv2d(96, 96, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(96, 64, 3, padding=1, groups=2)
        self.fc6 = nn.Linear(64 * 4 * 4, 256)
        self.fc7 = nn.Linear(256, 256)
        self.fc8 = nn.Linear(256, 10)
        self.norm = Lrn()
        self.dropout = dropout
        for name, layer in self.named_children():
            if name == "norm":
                continue
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            # CaffeNet starts these biases at 1: hardly a unit is dead.
            positive = name in ("conv2", "conv4", "conv5", "fc7")
            nn.init.constant_(layer.bias, 0.2 if positive else 0.0)
        # Small weights and a bias of 1: at first nearly all units of the code
        # are active, so that it tells much about the image.
        nn.init.normal_(self.fc6.weight, std=0.01)
        nn.init.constant_(self.fc6.bias, 1.0)
        nn.init.normal_(self.fc8.weight, std=0.03)

    def convolutions(self, image):
        """Images -> named tensors: norm1 [n,32,16,16], norm2 [n,64,8,8],
        conv5 [n,64,8,8] before its activation, pool5 [n,64,4,4]."""
        pool = lambda t: F.max_pool2d(t, 3, 2, ceil_mode=True)
        out = {}
        x = (image - MEAN) / STD
        x = out["norm1"] = self.norm(pool(F.relu(self.conv1(x))))
        x = out["norm2"] = self.norm(pool(F.relu(self.conv2(x))))
        x = F.relu(self.conv3(x))
        x = F.relu(self.conv4(x))
        x = out["conv5"] = self.conv5(x)
        out["pool5"] = pool(F.relu(x))
        return out

    def layers(self, image):
        """As `convolutions`, and fc6, fc7 [n,256], fc8 [n,10] before their
        activations, and the code: relu6 [n,256]."""
        out = self.convolutions(image)
        drop = lambda t: F.dropout(t, self.dropout, self.training)
        out["fc6"] = self.fc6(out["pool5"].flatten(1))
        out["relu6"] = F.relu(out["fc6"])
        out["fc7"] = self.fc7(drop(out["relu6"]))
        out["fc8"] = self.fc8(drop(F.relu(out["fc7"])))
        return out

    def forward(self, image):
        """Images -> class scores [n, 10]."""
        return self.layers(image)["fc8"]


class Judge(nn.Module):
    """A second classifier of another build, never seen by the generator."""

    WIDTHS = [24, 32, 48, 64, 96, 128]
    STRIDES = [1, 2, 1, 2, 1, 2]

    def __init__(self):
        super().__init__()
        before = 1
        for i, (width, stride) in enumerate(zip(self.WIDTHS, self.STRIDES), 1):
            conv = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(width))
            before = width
        self.fc = nn.Linear(before, 10)

    def features(self, image):
        """Images -> the space of the coverage figures [n, 128]."""
        x = (image - MEAN) / STD
        for i in range(1, 7):
            x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return x.mean((2, 3))

    def forward(self, image):
        """Images -> class scores [n, 10]."""
        return self.fc(self.features(image))


class Generator(nn.Module):
    """Code [n, 256] -> image [n, 1, 32, 32], values before the clamp to [0, 1].

    PPGN's generator in miniature. The code is multiplied by `scale` [256]
    first; `fold` moves that factor into defc7.
    """

    def __init__(self, scale=None):
        super().__init__()
        self.register_buffer("scale", torch.ones(256) if scale is None else scale)
        up = lambda a, b: nn.ConvTranspose2d(a, b, 4, 2, 1)
        same = lambda a, b: nn.ConvTranspose2d(a, b, 3, 1, 1)
        self.defc7 = nn.Linear(256, 1024)
        self.defc6 = nn.Linear(1024, 1024)
        self.defc5 = nn.Linear(1024, 128 * 4 * 4)
        self.deconv5 = up(128, 64)
        self.conv5_1 = same(64, 64)
        self.deconv4 = up(64, 48)
        self.conv4_1 = same(48, 48)
        self.deconv3 = up(48, 24)
        self.conv3_1 = same(24, 16)
        self.deconv0 = same(16, 1)
        for layer in self.children():
            nn.init.kaiming_normal_(layer.weight, a=0.3)
            if isinstance(layer, nn.ConvTranspose2d):
                # PyTorch counts the fan of the wrong side; count inputs.
                taps = layer.in_channels * (4 if layer.stride[0] == 2 else 9)
                nn.init.normal_(layer.weight, std=(2 / 1.09 / taps) ** 0.5)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.deconv0.weight, std=0.02)
        nn.init.constant_(self.deconv0.bias, 0.2)

    def forward(self, code):
        act = lambda t: F.leaky_relu(t, 0.3)
        x = act(self.defc7(code * self.scale))
        x = act(self.defc6(x))
        x = act(self.defc5(x)).view(-1, 128, 4, 4)
        for name in ("deconv5", "conv5_1", "deconv4", "conv4_1", "deconv3", "conv3_1"):
            x = act(getattr(self, name)(x))
        return self.deconv0(x)

    def fold(self):
        """Moves the factor of the code into the weights of defc7."""
        with torch.no_grad():
            self.defc7.weight.mul_(self.scale)
            self.scale.fill_(1.0)
        return self


class Discriminator(nn.Module):
    """(image, scaled code) -> one score [n]; higher means more real.

    Spectral norm everywhere; the code enters as a projection of the features.
    """

    def __init__(self):
        super().__init__()
        sn = spectral_norm
        self.conv1 = sn(nn.Conv2d(1, 32, 4, 2, 1))
        self.conv2 = sn(nn.Conv2d(32, 64, 4, 2, 1))
        self.conv3 = sn(nn.Conv2d(64, 128, 4, 2, 1))
        self.fc = sn(nn.Linear(128 * 16, 256))
        self.out = sn(nn.Linear(256, 1))
        self.code = sn(nn.Linear(256, 256))

    def forward(self, image, code):
        act = lambda t: F.leaky_relu(t, 0.2)
        x = act(self.conv1(image * 2 - 1))
        x = act(self.conv2(x))
        x = act(self.conv3(x))
        x = act(self.fc(x.flatten(1)))
        return self.out(x).squeeze(1) + (x * self.code(code)).sum(1) / 16


def clamp(image):
    """Clamps to [0, 1]. Gradients are straight-inward: zero only where a step
    would push a value further outside."""
    return _Clamp.apply(image)


class _Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, image):
        ctx.save_for_backward(image)
        return image.clamp(0, 1)

    @staticmethod
    def backward(ctx, gradient):
        (image,) = ctx.saved_tensors
        # Descent moves a value against its gradient.
        outward = ((image < 0) & (gradient > 0)) | ((image > 1) & (gradient < 0))
        return gradient.masked_fill(outward, 0)
