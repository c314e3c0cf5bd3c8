"""Writes what `cargo xtask full-size-check` measures against, into a folder:

    python make_reference.py FOLDER

bvlc_reference_caffenet.caffemodel and generator.caffemodel: files of the form
and the size of the published ones, with random weights; reference.safetensors:
what PyTorch computes with these weights, and, in names that begin with
`rounded.`, with the generator's in half precision.

The loss is the sum over the codes of fc8's unit UNIT and of relu6 times a fixed
random v. Tensors: `codes` and `v` F32; `gradients.f64` and `gradients.f32` of
the loss with respect to the codes, in either precision; `images`,
`generator.LAYER` and `classifier.LAYER`, F64, of the first KEPT codes.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from caffe_files import write_classifier, write_generator
from layers import CLASSIFIER, GENERATOR
from networks import both, decode, encode, he, in_double, in_half, rescale, run

SEED = 3
#: Codes of the gradient check.
CODES = 32
#: Codes whose activations are kept.
KEPT = 4
#: Codes that run at once.
BATCH = 8
#: The classifier's unit in the loss: volcano.
UNIT = 980
#: How post-ReLU fc6 is distributed over ImageNet, and the paper's bounds.
CODE_MEAN, CODE_STD, CODE_BOUNDS = 0.6, 3.7, (0, 30)
#: Contrast of the generated images in grey levels: a few in a hundred pixels
#: are clamped.
CONTRAST = 60.0
#: Published biases of the generator: about 1 in its inner products, 0 elsewhere.
INNER_PRODUCT_BIAS = 1.0
CLASSIFIER_BIAS = 0.1
#: How fc6 and fc8 are spread over ImageNet.
FC6_STD, FC8_STD = 4.0, 3.0

GENERATOR_LAYERS = ["defc7", "defc5", "deconv5", "conv4_1", "deconv0"]
CLASSIFIER_LAYERS = ["conv1", "norm2", "conv5", "fc6", "relu6", "fc8"]


def draw_codes(random):
    codes = CODE_MEAN + CODE_STD * torch.randn(CODES, 4096, generator=random)
    return codes.clamp_(*CODE_BOUNDS)


def generator_bias(name):
    return INNER_PRODUCT_BIAS if name.startswith("defc") else 0.0


def make_weights(random, codes):
    """Weights of both networks, scaled so that images and codes look like
    those of the published pair."""
    generator = he(GENERATOR, random, generator_bias)
    outputs = run(GENERATOR, generator, codes[:KEPT])
    rescale(generator, "deconv0", outputs["deconv0"], CONTRAST)
    images = decode(run(GENERATOR, generator, codes[:KEPT])["deconv0"])
    classifier = he(CLASSIFIER, random, lambda name: CLASSIFIER_BIAS)
    for name, std in ("fc6", FC6_STD), ("fc8", FC8_STD):
        outputs = run(CLASSIFIER, classifier, encode(images))[name]
        rescale(classifier, name, outputs - classifier[name][1], std)
    return generator, classifier


def gradients(generator, classifier, codes, v):
    """Of the loss, with respect to the codes."""

    def of_batch(codes):
        codes = codes.clone().requires_grad_()
        _, _, seen = both(generator, classifier, codes)
        loss = seen["fc8"][:, UNIT].sum() + (seen["relu6"] * v).sum()
        return torch.autograd.grad(loss, codes)[0]

    return torch.cat([of_batch(batch) for batch in codes.split(BATCH)])


def activations(generator, classifier, codes):
    generated, images, seen = both(generator, classifier, codes)
    tensors = {"images": images}
    tensors |= {f"generator.{name}": generated[name] for name in GENERATOR_LAYERS}
    tensors |= {f"classifier.{name}": seen[name] for name in CLASSIFIER_LAYERS}
    return tensors


def describe(tensors):
    for name, tensor in tensors.items():
        print(f"{name:<20} mean {tensor.mean():10.4f}  std {tensor.std():10.4f}")
    pixels = tensors["images"]
    clamped = ((pixels == 0) | (pixels == 1)).double().mean()
    print(f"clamped pixels       {100 * clamped:.1f} %")


def main(folder):
    random = torch.Generator().manual_seed(SEED)
    codes = draw_codes(random)
    v = torch.randn(4096, generator=random)
    with torch.no_grad():
        pair = make_weights(random, codes)
        write_generator(folder / "generator.caffemodel", pair[0])
        write_classifier(folder / "bvlc_reference_caffenet.caffemodel", pair[1])
        exact = [in_double(weights) for weights in pair]
        tensors = activations(*exact, codes[:KEPT].double())
        rounded = in_half(pair[0]), pair[1]
        of_rounded = activations(*map(in_double, rounded), codes[:KEPT].double())
    describe(tensors)
    tensors |= {f"rounded.{name}": tensor for name, tensor in of_rounded.items()}
    tensors |= {"codes": codes, "v": v}
    for prefix, weights in ("", pair), ("rounded.", rounded):
        tensors[f"{prefix}gradients.f32"] = gradients(*weights, codes, v)
        exact = map(in_double, weights)
        tensors[f"{prefix}gradients.f64"] = gradients(*exact, codes.double(), v.double())
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(tensors, folder / "reference.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
