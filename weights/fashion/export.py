"""Writes the trained networks, their statistics and examples as safetensors.

Tensors are f32 in PyTorch's layouts: convolution [out, in/groups, h, w],
transposed convolution [in, out/groups, h, w], inner product [out, in].
"""

import numpy as np
import torch
from safetensors.torch import save_file

import data
from measure import LEVELS, batched, own_range
from networks import MEAN, STD

EXAMPLES = 16


def tensors(network):
    """State of a network without its counters, as contiguous f32 tensors."""
    return {name: value.detach().float().contiguous().clone()
            for name, value in network.state_dict().items()
            if not name.endswith("num_batches_tracked") and name != "scale"}


def activations(classifier, images):
    """Held-out images [n, 1, 32, 32] -> name -> [n, units] before the
    activation functions; conv5 flattened from [64, 8, 8]."""
    names = ("conv5", "fc6", "fc7", "fc8")
    parts = {name: [] for name in names}
    with torch.no_grad():
        for x in images.split(250):
            out = classifier.layers(x)
            for name in names:
                parts[name].append(out[name].flatten(1))
    return {name: torch.cat(part).numpy() for name, part in parts.items()}


def table(values):
    """[n, units] -> quantiles [units, levels], interpolated linearly."""
    return torch.from_numpy(np.percentile(values, LEVELS, axis=0).T.astype(np.float32).copy())


def statistics(classifier, folder):
    """Pixel encoding, bounds and moments of the code (training images) and
    quantiles of the neurons (held-out images)."""
    train = data.pad(data.load("train", folder)[0])
    code = batched(lambda x: classifier.layers(x)["relu6"], train)
    images, labels = data.load("heldout", folder)
    values = activations(classifier, data.pad(images))
    out = {
        "image.mean": torch.tensor([MEAN]), "image.std": torch.tensor([STD]),
        "judge.image.mean": torch.tensor([MEAN]), "judge.image.std": torch.tensor([STD]),
        "code.lower": torch.zeros(256), "code.upper": code.max(0).values,
        "code.mean": code.mean(0), "code.std": code.std(0),
        "quantiles.levels": torch.tensor(LEVELS, dtype=torch.float32),
    }
    for name, v in values.items():
        out[f"quantiles.{name}.p"] = table(v)
    labels = labels.numpy()
    out["quantiles.fc8.c"] = torch.cat(
        [table(values["fc8"][labels == u, u:u + 1]) for u in range(10)])
    channels = values["conv5"].reshape(len(labels), 64, 64)
    out["quantiles.conv5@max.p"] = table(channels.max(2))
    out["quantiles.conv5@mean.p"] = table(channels.mean(2))
    return {name: value.float().contiguous() for name, value in out.items()}


def examples(classifier, generator, judge, images):
    """What the networks compute for images [n, 1, 32, 32], in f64, kept as f32."""
    networks = [network.double() for network in (classifier, generator, judge)]
    x = images.double()
    with torch.no_grad():
        out = classifier.layers(x)
        features = judge.features(x)
        kept = {name: out[name] for name in ("conv5", "fc6", "relu6", "fc7", "fc8")}
        kept |= {"images": x, "generated": generator(out["relu6"]),
                 "judge.features": features, "judge.logits": judge.fc(features)}
    for network in networks:
        network.float()
    return {name: value.float().contiguous() for name, value in kept.items()}


def write(values, path):
    """Writes aside, then renames: a reader never meets half a file."""
    aside = path.with_suffix(".new")
    save_file(values, aside)
    aside.chmod(0o644)
    aside.replace(path)


def export(classifier, generator, judge, folder, raw):
    """Writes six files into `raw`. The generator's scale must be folded."""
    assert bool((generator.scale == 1).all())
    images, labels = data.load("test", folder)
    for name, values in {
        "classifier": tensors(classifier),
        "generator": tensors(generator),
        "judge": tensors(judge),
        "statistics": statistics(classifier, folder),
        "reference": {"images": images, "labels": labels.to(torch.uint8)},
        "examples": examples(classifier, generator, judge, data.pad(images[:EXAMPLES])),
    }.items():
        write(values, raw / f"{name}.safetensors")


def held_out_ranges(classifier, folder):
    """(c25, c75) of every class neuron over the held-out images of its label."""
    images, labels = data.load("heldout", folder)
    scores = batched(classifier, data.pad(images)).numpy()
    return own_range(scores, labels.numpy())
