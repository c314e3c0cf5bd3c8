"""A model of the codes: a mixture of factor analysers of the layer before its
ReLU, fitted to the training images by expectation-maximisation.

    x ~ mean_k + factors_k z + sqrt(noise_k) e,  z, e ~ N(0, I),  k ~ weight;  code = max(x, 0)

The Gaussians live before the ReLU: its clipping gives the exact zeros of the code
(seven of ten units), and which units are zero together. No component belongs to one
image: each is the mean and the main directions of hundreds.
"""
import torch
from safetensors.torch import save_file

import data
from measure import batched

COMPONENTS, RANK, ROUNDS, SEED = 64, 32, 8, 4
LEAST_NOISE = 1e-4  # of a unit's variance over all images
NEGLIGIBLE = 1e-3  # responsibilities below are taken as 0
FEWEST = 64  # images' worth of responsibility that a component needs; with fewer it starts anew


def factor_analysis(cov, rank, floor, rounds=4):
    """Covariance [d, d] -> (factors [d, rank], noise [d]), by principal factors of the scaled covariance."""
    noise = cov.diagonal().clamp_min(floor) * 0.3
    for _ in range(rounds):
        s = noise.sqrt()
        values, vectors = torch.linalg.eigh(cov / s[:, None] / s)
        factors = s[:, None] * vectors[:, -rank:] * (values[-rank:] - 1).clamp_min(0).sqrt()
        noise = torch.maximum(cov.diagonal() - (factors * factors).sum(1), floor)
    return factors, noise


def log_density(x, weight, mean, factors, noise):
    """[n, d] -> [n, components], each weighted; Woodbury's identity in the `rank` factors."""
    out = []
    for w, m, a, v in zip(weight, mean, factors, noise):
        y, b = (x - m) / v.sqrt(), a / v.sqrt()[:, None]
        inner = torch.linalg.cholesky(torch.eye(b.shape[1]) + b.T @ b)
        z = torch.linalg.solve_triangular(inner, (y @ b).T, upper=False)
        distance = (y * y).sum(1) - (z * z).sum(0)
        out.append(w.log() - 0.5 * distance - 0.5 * v.log().sum() - inner.diagonal().log().sum())
    return torch.stack(out, 1)


def k_means(x, k, rng, rounds=8):
    """[n, d] -> labels [n]; starts at random rows."""
    centre = x[torch.randperm(len(x), generator=rng)[:k]]
    for _ in range(rounds):
        label = torch.cat([torch.cdist(part, centre).argmin(1) for part in x.split(5000)])
        count = torch.bincount(label, minlength=k).clamp_min(1)
        centre = torch.zeros_like(centre).index_add_(0, label, x) / count[:, None]
    return label


def fit(x, components, rank, rounds, seed=0, log=print):
    """Rows [n, d] -> dict of weight [c], mean [c, d], factors [c, d, rank], noise [c, d]."""
    rng = torch.Generator().manual_seed(seed)
    variance = x.var(0)
    floor = LEAST_NOISE * variance.clamp_min(1e-3 * variance.mean())
    label = k_means(x / x.std(0).clamp_min(1e-3), components, rng)
    share = torch.nn.functional.one_hot(label, components).float()
    for round_ in range(rounds + 1):
        model = {"weight": [], "mean": [], "factors": [], "noise": []}
        for k in range(components):
            rows = share[:, k] > NEGLIGIBLE
            r, part = share[rows, k], x[rows]
            mean = (r @ part) / r.sum()
            centred = (part - mean) * (r / r.sum()).sqrt()[:, None]
            cov = centred.T @ centred
            factors, noise = factor_analysis(cov, rank, floor)
            for name, value in zip(model, (r.sum() / len(x), mean, factors, noise)):
                model[name].append(value)
        model = {name: torch.stack(v) for name, v in model.items()}
        if round_ == rounds:
            return model
        density = torch.cat([log_density(part, **model) for part in x.split(10000)])
        share = density.softmax(1)
        for k in (share.sum(0) < FEWEST).nonzero().flatten():
            rows = (share.argmax(1) == share.sum(0).argmax()).nonzero().flatten()
            half = rows[torch.randperm(len(rows), generator=rng)[:len(rows) // 2]]
            share[half] = torch.nn.functional.one_hot(k, components).float()
        log(f"round {round_}: {density.logsumexp(1).mean():.2f} nats, fewest images {share.sum(0).min():.0f}")


def train(classifier, folder, raw, log):
    """Fits the model to the images that trained the networks and writes it to
    raw/codes.safetensors, noise as a standard deviation."""
    images, _ = data.load("train", folder)
    before = batched(lambda part: classifier.layers(data.pad(part))["fc6"], images, 5000)
    model = fit(before, COMPONENTS, RANK, ROUNDS, SEED, log)
    model["noise"] = model["noise"].sqrt()
    tensors = {f"code.mixture.{name}": value.contiguous() for name, value in model.items()}
    save_file(tensors, raw / "codes.safetensors")
