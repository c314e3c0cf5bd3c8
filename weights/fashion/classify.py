"""Training of the two classifiers: the one that is sampled, and the judge."""

import math
import time

import torch
from torch.nn import functional as F

import data
from networks import Classifier, Judge

# Rounds follow one another; in each, the rate rises to `rate` and falls to 0.
# Mirrored images ask more of the code; the last round drops them for accuracy.
SETTINGS = {
    "classifier": dict(build=Classifier, seed=1, batch=128, decay=1e-4, rounds=[
        dict(epochs=8, rate=1e-3, shift=1, flip=0.5),
        dict(epochs=3, rate=5e-4, shift=1, flip=0.0),
    ]),
    "judge": dict(build=Judge, seed=2, batch=128, decay=1e-2, rounds=[
        dict(epochs=10, rate=4e-3, shift=2, flip=0.5),
    ]),
}


def round_of(rounds, epoch):
    """The round that `epoch` (from 0) belongs to, and its place in there."""
    for round_ in rounds:
        if epoch < round_["epochs"]:
            return round_, epoch
        epoch -= round_["epochs"]


def rate_at(step, steps, peak, warm=0.1):
    """Linear rise over the first tenth of the steps, then a cosine to zero."""
    at = (step + 1) / steps
    if at < warm:
        return peak * at / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (at - warm) / (1 - warm)))


def accuracy(network, images, labels, batch=500):
    """Share of images [n, 1, 32, 32] that get their label."""
    network.eval()
    with torch.no_grad():
        right = sum((network(x).argmax(1) == y).sum().item()
                    for x, y in zip(images.split(batch), labels.split(batch)))
    return right / len(labels)


def train(name, folder, raw, log):
    """Trains `classifier` or `judge` into raw/<name>.pt, one checkpoint per
    epoch, and goes on from the newest one."""
    s = SETTINGS[name]
    epochs = sum(round_["epochs"] for round_ in s["rounds"])
    torch.manual_seed(s["seed"])
    network = s["build"]().to(memory_format=torch.channels_last)
    convolutions = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [dict(params=convolutions, weight_decay=s["decay"]), dict(params=others, weight_decay=0)])
    images, labels = data.load("train", folder)
    images = data.pad(images)
    held = data.load("heldout", folder)
    held = (data.pad(held[0]), held[1])
    path = raw / f"{name}.pt"
    epoch, seconds, history = 0, 0.0, []
    if path.exists():
        saved = torch.load(path, weights_only=False)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"])
        epoch, seconds, history = saved["epoch"], saved["seconds"], saved["history"]
    per_epoch = len(images) // s["batch"]
    while epoch < epochs:
        round_, within = round_of(s["rounds"], epoch)
        steps = round_["epochs"] * per_epoch
        start, total = time.time(), 0.0
        network.train()
        order = torch.randperm(len(images))
        for i in range(per_epoch):
            pick = order[i * s["batch"]:(i + 1) * s["batch"]]
            x = data.augment(images[pick], round_["shift"], round_["flip"])
            rate = rate_at(within * per_epoch + i, steps, round_["rate"])
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(scores.float(), labels[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        epoch += 1
        seconds += time.time() - start
        held_out = accuracy(network, *held)
        history.append(dict(epoch=epoch, loss=total / per_epoch, held_out=held_out))
        log(f"{name} epoch {epoch}/{epochs}: loss {total / per_epoch:.4f}, "
            f"held-out accuracy {held_out:.4f}, {seconds / 60:.1f} min")
        torch.save(dict(network=network.state_dict(), optimizer=optimizer.state_dict(),
                        random=torch.get_rng_state(), epoch=epoch, seconds=seconds,
                        history=history), path)
    return network.eval()
