"""Training of the generator: it learns to undo the classifier's code.

DeePSiM's recipe: error of the image, error of the classifier's features of
the image, and a discriminator that also sees the code.
"""

import math
import time

import torch
from torch.nn import functional as F

import data
from networks import Discriminator, Generator, clamp

# One round after another; a new round may be added at the end at any time.
# `rate` falls from its first to its second value along a cosine (of `wave` steps
# where the round is cut short). `features`
# are weights of the relative errors of the classifier's layers, `adversarial`
# is the length of that gradient (at the image) relative to all the others,
# `moved` the share of images that are moved by up to a pixel each way.
ROUNDS = [
    dict(name="sketch", steps=2500, batch=96, rate=(1e-3, 4e-4), pixels=10.0,
         features=dict(pool5=0.1, norm2=0.1, fc6=0.02), adversarial=0.0),
    dict(name="detail", steps=4000, batch=64, rate=(4e-4, 3e-4), pixels=10.0,
         features=dict(pool5=0.1, norm2=0.1, fc6=0.02), adversarial=0.8),
    dict(name="spread", steps=5000, batch=64, rate=(3e-4, 1.5e-4), pixels=10.0, moved=0.5,
         features=dict(pool5=0.1, norm2=0.1, fc6=0.1), adversarial=0.5),
    dict(name="finish", steps=2000, wave=5500, batch=64, rate=(1.5e-4, 0.0), pixels=10.0,
         features=dict(pool5=0.1, norm2=0.02, fc6=0.1), adversarial=0.2),
    dict(name="settle", steps=3300, batch=64, rate=(1.06e-4, 0.0), pixels=10.0,
         features=dict(pool5=0.1, norm2=0.02, fc6=0.1), adversarial=0.28),
]
SEED = 3
AVERAGE = 0.998  # of the exported weights, per step
LAYERS = ("norm2", "pool5", "fc6")


class Targets:
    """Training images (and mirror images) with what the classifier makes of
    them: codes [n, 256] and the features the generator is to reproduce."""

    def __init__(self, classifier, images, mirror):
        self.classifier = classifier
        images = data.pad(images)
        self.images = torch.cat([images, images.flip(3)]) if mirror else images
        parts = {name: [] for name in LAYERS}
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for x in self.images.split(250):
                x = x.contiguous(memory_format=torch.channels_last)
                out = classifier.layers(x)
                for name in LAYERS:
                    parts[name].append(out[name].contiguous().bfloat16())
        self.features = {name: torch.cat(part) for name, part in parts.items()}
        # What always answering with the mean would cost, layer by layer.
        self.spread = {name: t[::7].float().var(0).mean().item()
                       for name, t in self.features.items()}

    def __len__(self):
        return len(self.images)

    def batch(self, pick, moved):
        """Indices -> (images, features by layer, codes [n, 256]), all f32. The
        share `moved` of the images is moved by up to a pixel each way."""
        images = self.images[pick]
        features = {name: t[pick].float() for name, t in self.features.items()}
        n = int(moved * len(pick))
        if n:
            images[:n] = data.augment(images[:n], 1, 0.0)
            x = images[:n].contiguous(memory_format=torch.channels_last)
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                out = self.classifier.layers(x)
            for name in LAYERS:
                features[name][:n] = out[name]
        return images, features, features["fc6"].relu()


def rate_at(round_, step):
    """The rate of Adam at `step` of a round."""
    first, last = round_["rate"]
    wave = 0.5 * (1 + math.cos(math.pi * step / round_.get("wave", round_["steps"])))
    return last + (first - last) * wave


class Trainer:
    """Generator, discriminator, their optimizers, and the running average."""

    def __init__(self, classifier, targets):
        torch.manual_seed(SEED)
        codes = targets.features["fc6"].float().relu()
        scale = torch.full((256,), 1 / codes[codes > 0].mean().item())
        self.classifier, self.targets = classifier, targets
        last = dict(memory_format=torch.channels_last)
        self.generator = Generator(scale).to(**last)
        self.average = Generator(scale).to(**last)
        self.average.load_state_dict(self.generator.state_dict())
        self.discriminator = Discriminator().to(**last)
        adam = lambda network: torch.optim.Adam(
            network.parameters(), lr=0.0, betas=(0.5, 0.99), fused=True)
        self.adam_g, self.adam_d = adam(self.generator), adam(self.discriminator)
        self.round = self.step = self.total = 0
        self.seconds = 0.0
        self.balance = 0.0  # running length ratio of the two gradients
        self.sums = {}

    PARTS = ("generator", "average", "discriminator", "adam_g", "adam_d")
    PLAIN = ("round", "step", "total", "seconds", "balance")

    def state(self):
        """Everything that is needed to go on."""
        return {**{name: getattr(self, name).state_dict() for name in self.PARTS},
                **{name: getattr(self, name) for name in self.PLAIN},
                "random": torch.get_rng_state()}

    def restore(self, saved):
        """The inverse of `state`."""
        for name in self.PARTS:
            getattr(self, name).load_state_dict(saved[name])
        for name in self.PLAIN:
            setattr(self, name, saved[name])
        torch.set_rng_state(saved["random"])

    def note(self, **values):
        """Adds to the means that the next log line prints."""
        for name, value in values.items():
            self.sums.setdefault(name, []).append(float(torch.as_tensor(value).detach()))

    def reconstruction(self, round_, image, real, features):
        """Weighted error of the clamped image against the real one."""
        pixels = F.mse_loss(image, real)
        self.note(pixels=pixels)
        loss = round_["pixels"] * pixels
        if round_["features"]:
            with torch.autocast("cpu", torch.bfloat16):
                out = self.classifier.layers(image)
            for name, weight in round_["features"].items():
                error = F.mse_loss(out[name].float(), features[name]) / self.targets.spread[name]
                self.note(**{name: error})
                loss = loss + weight * error
        return loss

    def discriminate(self, image, code):
        with torch.autocast("cpu", torch.bfloat16):
            return self.discriminator(image, code * self.generator.scale).float()

    def advance(self, round_):
        """One step of the generator, and one of the discriminator at every
        second step."""
        rate = rate_at(round_, self.step)
        for group in self.adam_g.param_groups + self.adam_d.param_groups:
            group["lr"] = rate
        pick = torch.randint(len(self.targets), (round_["batch"],))
        real, features, code = self.targets.batch(pick, round_.get("moved", 0.0))
        with torch.autocast("cpu", torch.bfloat16):
            raw = self.generator(code)
        raw = raw.float()
        image = clamp(raw)
        leaf = image.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
        loss = self.reconstruction(round_, leaf, real, features)
        (gradient,) = torch.autograd.grad(loss, leaf)
        if round_["adversarial"]:
            if self.step % 2 == 0:
                self.teach(leaf.detach(), real, code)
            self.discriminator.requires_grad_(False)
            (push,) = torch.autograd.grad(F.softplus(-self.discriminate(leaf, code)).mean(), leaf)
            self.discriminator.requires_grad_(True)
            ratio = (gradient.norm() / push.norm().clamp_min(1e-12)).item()
            self.note(balance=ratio)
            self.balance = ratio if self.balance == 0 else 0.98 * self.balance + 0.02 * ratio
            gradient = gradient + round_["adversarial"] * self.balance * push
        self.adam_g.zero_grad()
        image.backward(gradient)
        self.adam_g.step()
        with torch.no_grad():
            keep = min(AVERAGE, (1 + self.total) / (10 + self.total))
            torch._foreach_lerp_(list(self.average.parameters()),
                                 list(self.generator.parameters()), 1 - keep)
        self.step += 1
        self.total += 1

    def teach(self, fake, real, code):
        """One step of the discriminator, logistic loss."""
        real = real.contiguous(memory_format=torch.channels_last)
        yes, no = self.discriminate(real, code), self.discriminate(fake, code)
        loss = F.softplus(-yes).mean() + F.softplus(no).mean()
        self.note(d_loss=loss, d_right=((yes > 0).float().mean() + (no < 0).float().mean()) / 2)
        self.adam_d.zero_grad()
        loss.backward()
        self.adam_d.step()


def check(generator, classifier, images, batch=250):
    """Generator on real images [n, 1, 32, 32]: error of the inner 28 x 28
    pixels, and the share whose class the classifier keeps."""
    error = same = 0.0
    with torch.no_grad():
        for x in images.split(batch):
            out = classifier.layers(x)
            again = generator(out["relu6"]).clamp(0, 1)
            error += F.mse_loss(data.inner(again), data.inner(x)).item() * len(x)
            same += (classifier(again).argmax(1) == out["fc8"].argmax(1)).sum().item()
    return error / len(images), same / len(images)


def train(classifier, folder, raw, log, rounds=ROUNDS, mirror=True, every=500):
    """Trains into raw/generator.pt, a checkpoint every `every` steps, and goes
    on from the newest one. Returns the averaged generator, code unscaled."""
    classifier = classifier.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    images = data.load("train", folder)[0]
    held = data.pad(data.load("heldout", folder)[0][:2000])
    seen = data.pad(images[:1000])
    trainer = Trainer(classifier, Targets(classifier, images, mirror))
    path = raw / "generator.pt"
    if path.exists():
        trainer.restore(torch.load(path, weights_only=False))
    while trainer.round < len(rounds):
        round_ = rounds[trainer.round]
        while trainer.step < round_["steps"]:
            start = time.time()
            goal = min(trainer.step + every, round_["steps"])
            while trainer.step < goal:
                trainer.advance(round_)
            trainer.seconds += time.time() - start
            means = {name: sum(v) / len(v) for name, v in trainer.sums.items() if v}
            trainer.sums = {}
            error, same = check(trainer.average, classifier, held)
            log(f"{round_['name']} {trainer.step}/{round_['steps']} ({trainer.seconds / 60:.1f} min) "
                + " ".join(f"{name} {value:.4f}" for name, value in means.items())
                + f" | average: held-out error {error:.4f}, class kept {same:.4f},"
                + f" training error {check(trainer.average, classifier, seen)[0]:.4f}")
            torch.save(trainer.state(), path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
        trainer.round, trainer.step = trainer.round + 1, 0
    return trainer.average.eval()
