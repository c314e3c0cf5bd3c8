"""Figures of the trained networks on images that none of them has seen.

Precision (Kynkaanniemi 2019), density and coverage (Naeem 2020), k = 5, in the
judge's features: the references are real images in a neuron's range, whatever
their class, from the even-numbered images; samples come from the odd-numbered
ones, either as they are or as the generator reconstructs them.
"""

import numpy as np
import torch

import data
from networks import LABELS

LEVELS = [0, 1, 2, *range(5, 100, 5), 98, 99, 100]  # per cent
NEAREST = 5
MOST = 250  # references and samples of one comparison
SUBSAMPLES = 10  # seeded draws of so many, averaged


def batched(function, images, size=250):
    """Applies `function` to parts of a batch and joins the results."""
    with torch.no_grad():
        return torch.cat([function(x) for x in images.split(size)])


def rounded(images):
    """The image as it is stored: clamped to [0, 1] and rounded to 8 bits."""
    return (images.clamp(0, 1) * 255).round() / 255


def own_range(scores, labels, low=25, high=75):
    """Scores [n, 10] and labels [n] -> for every unit, two quantiles of its
    score over the images with its own label [10, 2]."""
    return np.array([np.percentile(scores[labels == u, u], [low, high]) for u in range(10)])


def compare(references, samples):
    """Features [m, d] and [n, d] -> (precision, density, coverage)."""
    radius = torch.cdist(references, references).topk(NEAREST + 1, largest=False).values[:, -1]
    inside = torch.cdist(references, samples) <= radius[:, None]  # [m, n]
    return (inside.any(0).float().mean().item(),
            inside.float().sum(0).mean().item() / NEAREST,
            inside.any(1).float().mean().item())


def comparison(references, samples):
    """`compare` with the same number on both sides, averaged over draws."""
    n = min(MOST, len(references), len(samples))
    rng = torch.Generator().manual_seed(0)
    draw = lambda t: t[torch.randperm(len(t), generator=rng)[:n]]
    values = [compare(draw(references), draw(samples)) for _ in range(SUBSAMPLES)] if n > NEAREST else [(0, 0, 0)]
    names = ("precision", "density", "coverage")
    return {"n": n, **{k: round(float(v), 4) for k, v in zip(names, np.mean(values, 0))}}


def windows(images, size=8, stride=2):
    """[n, 1, 28, 28] -> [n, places, size, size]."""
    parts = images[:, 0].unfold(1, size, stride).unfold(2, size, stride)
    return parts.flatten(1, 2)


def grid(real, again):
    """Real images and reconstructions [n, 1, 28, 28] -> energy of periods 2
    and 4 in flat parts of the garment, reconstruction over real.

    Windows of 8 x 8 whose real pixels all exceed 0.1; of these, the quarter
    where the *real* image is flattest, so that even an honest texture next to
    the right place has a ratio above 1. The mean is removed; energy is summed
    over the DFT bins that have frequency 4 (period 2) or 2 (period 4) along
    either axis. A grid would stand out against period 8/3, which no stride of
    the generator favours, and against `all windows`.
    """
    real, again = windows(real).flatten(0, 1), windows(again).flatten(0, 1)
    inside = real.flatten(1).min(1).values > 0.1
    real, again = real[inside], again[inside]
    variance = real.flatten(1).var(1)
    flat = variance <= variance.quantile(0.25)

    def energy(parts, frequencies):
        spectrum = torch.fft.fft2(parts - parts.mean((1, 2), keepdim=True)).abs() ** 2
        chosen = torch.zeros(8, 8, dtype=torch.bool)
        chosen[frequencies] = True
        chosen[:, frequencies] = True
        return spectrum[:, chosen].sum().item()

    periods = {"period 2": [4], "period 4": [2, 6], "period 8/3": [3, 5]}
    ratio = lambda f, chosen: round(energy(again[chosen], f) / energy(real[chosen], f), 4)
    everywhere = torch.ones_like(flat)
    return {"windows": int(flat.sum()),
            **{name: ratio(f, flat) for name, f in periods.items()},
            "all windows": {name: ratio(f, everywhere) for name, f in periods.items()}}


def pair(classifier, generator, judge, ranges, images):
    """All figures of the generator on real images [n, 1, 32, 32]; `ranges`
    [10, 2] are the neurons' (c25, c75) of the held-out images."""
    code = batched(lambda x: classifier.layers(x)["relu6"], images)
    again = batched(generator, code).clamp(0, 1)
    stored = rounded(again)
    score, score_again = batched(classifier, images), batched(classifier, stored)
    seen, seen_again = batched(judge.features, images), batched(judge.features, stored)
    kept = lambda a, b: round((a.argmax(1) == b.argmax(1)).float().mean().item(), 4)
    inner = data.inner
    out = {
        "error 28x28": round(((inner(again) - inner(images)) ** 2).mean().item(), 5),
        "error 32x32": round(((again - images) ** 2).mean().item(), 5),
        "class kept, classifier": kept(score, score_again),
        "class kept, judge": kept(judge.fc(seen), judge.fc(seen_again)),
        "grid": grid(inner(images), inner(again)),
    }
    number = torch.arange(len(images))
    even, odd = number % 2 == 0, number % 2 == 1
    neurons = {}
    for unit, label in enumerate(LABELS):
        low, high = ranges[unit].tolist()
        within = lambda s: (s[:, unit] >= low) & (s[:, unit] <= high)
        references = seen[even & within(score)]
        neurons[label] = {
            "range": [round(low, 3), round(high, 3)],
            "reconstruction": comparison(references, seen_again[odd & within(score_again)]),
            "real": comparison(references, seen[odd & within(score)]),
        }
    for kind in ("reconstruction", "real"):
        out[kind] = {name: round(float(np.mean([n[kind][name] for n in neurons.values()])), 4)
                     for name in ("precision", "density", "coverage")}
    return {**out, "neurons": neurons}
