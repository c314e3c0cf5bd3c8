"""Checks runs of the sampler without any of the sampler's code.

    python3 verify.py CLASSIFIER.safetensors RUN_DIR [RUN_DIR ...]
        [--max-evaluations 30] [--encoder NETWORK.safetensors]
        [--judge JUDGE.safetensors --judge-class 9 --judge-share 0.85]

Decodes every PNG file of a run, or reads its tensor of images, evaluates the
classifier in f64 with Caffe's semantics, and checks that every neuron lies in
its closed range, that the manifest tells the truth, that no two images are
equal, that their encodings are those of the run's encoder (given by --encoder
where it is another network) and that the run kept within its evaluations. Ends
with 0, or with 1 and one line that names the first file at fault. Needs Python
3.11 and NumPy.
"""

import argparse
import json
import os
import sys
from pathlib import Path

# NumPy's matrix products wait for their threads by spinning: where other
# programs use the cores, many threads are far slower than one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

import png  # noqa: E402
import tensors  # noqa: E402
from network import Network  # noqa: E402

MANIFEST_TOLERANCE = 1e-3  # relative to max(1, |z|)
ENCODING_TOLERANCE = 1e-3  # the same


class Failure(Exception):
    """A check that did not hold: which file, and why."""

    def __init__(self, path, reason):
        super().__init__(f"{path}: {reason}")


def read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(path, f"cannot be read: {error}") from error


def read_network(path):
    try:
        return Network(path)
    except (OSError, ValueError, KeyError) as error:
        raise Failure(path, f"cannot be read as a network: {error!r}") from error


def read_image(path):
    try:
        return png.decode(path.read_bytes())
    except Exception as error:
        raise Failure(path, f"cannot be read as a PNG file: {error}") from error


def read_images(run, manifest, expected):
    """The names of a run's images in the manifest's order and their pixels
    [n, c, h, w]; the files below `samples/` are exactly these `expected` ones."""
    names = [sample["file"] for sample in manifest["samples"]]
    files = (run / "samples").rglob("*.png")
    found = {path.relative_to(run).as_posix() for path in files}
    for name in names:
        if name not in found:
            raise Failure(run / name, "is in manifest.json but not there")
    for name in sorted(found - set(names)):
        raise Failure(run / name, "is not in manifest.json")
    if len(names) != expected or len(found) != expected:
        raise Failure(
            run / "manifest.json",
            f"lists {len(names)} images in {len(found)} files, run.json says {expected}",
        )
    images = [read_image(run / name) for name in names]
    for name, pixels in zip(names, images):
        if pixels.shape != images[0].shape:
            raise Failure(
                run / name, f"has shape {pixels.shape}, {names[0]} has {images[0].shape}"
            )
    return names, np.stack(images)


def read_tensor(run, expected):
    """The images of a run that stores them as one tensor, with a name for each."""
    path = run / "samples.safetensors"
    try:
        images = tensors.read(path)[1]["images"]
    except (OSError, ValueError, KeyError) as error:
        raise Failure(path, f"cannot be read: {error!r}") from error
    if len(images) != expected:
        raise Failure(path, f"holds {len(images)} images, run.json says {expected}")
    return [f"samples.safetensors[{i}]" for i in range(expected)], images.astype(np.uint8)


def check_distinct(run, names, images):
    """No two images are equal."""
    seen = {}
    for name, pixels in zip(names, images):
        twin = seen.setdefault(pixels.tobytes(), name)
        if twin != name:
            raise Failure(run / name, f"is the same image as {twin}")


def unit_name(unit):
    """A unit of run.json as the command line writes it."""
    kind = unit["kind"]
    if kind == "unit":
        return str(unit["index"])
    if kind == "position":
        return f"{unit['channel']}@{unit['y']},{unit['x']}"
    if kind in ("max", "mean"):
        return f"{unit['channel']}@{kind}"
    raise ValueError(f"unknown kind of unit {kind}")


def unit_values(layer, unit):
    """Activations of a layer [n, ...] -> those of one unit [n]."""
    kind = unit["kind"]
    if kind == "unit":
        return layer.reshape(len(layer), -1)[:, unit["index"]]
    channel = layer[:, unit["channel"]]
    if kind == "position":
        return channel[:, unit["y"], unit["x"]]
    return {"max": np.max, "mean": np.mean}[kind](channel, axis=(1, 2))


def bounds(neuron):
    """A neuron's range; an open end is infinite."""
    low, high = neuron["lo"], neuron["hi"]
    return (-np.inf if low is None else low), (np.inf if high is None else high)


def check_values(run, names, manifest, column, neuron, values):
    """One neuron, printed: every value in the closed range, and as the
    manifest says. Written so that a value that is not a number fails."""
    title = f"{neuron['layer']}:{unit_name(neuron['unit'])}"
    low, high = bounds(neuron)
    least, greatest = values.min(), values.max()
    print(
        f"  {title} in [{low:.6g}, {high:.6g}]: found {least:.6f} .. {greatest:.6f},"
        f" margin {min(least - low, high - greatest):.2e}"
    )
    for name, sample, value in zip(names, manifest["samples"], values):
        if not low <= value <= high:
            raise Failure(run / name, f"{title} is {value:.6f}, not in [{low}, {high}]")
        told = sample["activations"][column]
        if not abs(told - value) <= MANIFEST_TOLERANCE * max(1.0, abs(value)):
            raise Failure(run / name, f"{title} is {value:.6f}, manifest.json says {told}")


def encode(encoder, classifier, other, images):
    """The encodings [n, e] of u8 images by what run.json names as encoder."""
    if isinstance(encoder, str):
        layer = classifier.look(images, [encoder])[encoder]
    elif "network" in encoder:
        if other is None:
            raise ValueError(f"give {encoder['network']['file']} by --encoder")
        name = encoder["network"]["layer"]
        layer = other.look(images, [name])[name]
    else:
        layer = images / 255.0
    return layer.reshape(len(images), -1)


def check_encodings(run, expected):
    """The encodings in samples.safetensors. Written so that a number that is
    none fails."""
    path = run / "samples.safetensors"
    try:
        found = tensors.read(path)[1]["encodings"]
    except (OSError, ValueError, KeyError) as error:
        raise Failure(path, f"cannot be read: {error!r}") from error
    if found.shape != expected.shape:
        raise Failure(path, f"has encodings {found.shape}, the encoder gives {expected.shape}")
    near = np.abs(found - expected) <= ENCODING_TOLERANCE * np.maximum(1.0, np.abs(expected))
    if not near.all():
        raise Failure(path, f"the encoding of image {near.all(axis=1).argmin()} is another")


def check_evaluations(run, manifest, count, most):
    """The run's evaluations per sample; they agree with the total and are at
    most `most`."""
    told = manifest["evaluations"]
    spent = told["total"] / count
    path = run / "manifest.json"
    if not abs(told["per_sample"] - spent) <= 1e-3 * spent:
        raise Failure(path, f"{told['per_sample']} evaluations per sample, the total says {spent}")
    if not spent <= most:
        raise Failure(path, f"{spent:.2f} evaluations per sample, more than {most}")
    return spent


def check_judge(run, judge, images, label, least):
    """The share of the images that the judge gives to a class."""
    share = np.mean(judge.classify(images) == label)
    if not share >= least:
        raise Failure(run, f"the judge sees class {label} in {share:.1%}, expected {least:.1%}")
    return share


def verify(run, classifier, options, judge, other):
    """Checks one run directory and prints what was found."""
    resolved, manifest = read_json(run / "run.json"), read_json(run / "manifest.json")
    try:
        count, neurons = resolved["samples"], resolved["neurons"]
        if count < 1 or not neurons:
            raise Failure(run / "run.json", "has no samples or no neurons")
        for i, sample in enumerate(manifest["samples"]):
            if len(sample["activations"]) != len(neurons):
                name = sample.get("file", f"manifest.json[{i}]")
                raise Failure(run / name, f"has not {len(neurons)} activations")
        spent = check_evaluations(run, manifest, count, options.max_evaluations)
        form = resolved["images"]
        if form == "none":
            raise Failure(run, "stores no images that could be checked")
        if form == "tensor":
            names, images = read_tensor(run, count)
        else:
            names, images = read_images(run, manifest, count)
        if len(manifest["samples"]) != count:
            raise Failure(run / "manifest.json", f"does not list {count} images")
        check_distinct(run, names, images)
        layers = classifier.look(images, [neuron["layer"] for neuron in neurons])
        print(f"{run}: {count} images, {spent:.2f} evaluations per sample")
        for column, neuron in enumerate(neurons):
            values = unit_values(layers[neuron["layer"]], neuron["unit"])
            check_values(run, names, manifest, column, neuron, values)
        check_encodings(run, encode(resolved["encoder"], classifier, other, images))
        if judge:
            share = check_judge(run, judge, images, options.judge_class, options.judge_share)
            print(f"  the judge sees class {options.judge_class} in {share:.1%}")
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Failure(run, f"does not fit its files or the classifier: {error!r}") from error


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Checks runs of the sampler.")
    parser.add_argument("classifier", type=Path)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR")
    parser.add_argument("--max-evaluations", type=float, default=30.0)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--judge-class", type=int, default=9)
    parser.add_argument("--judge-share", type=float, default=0.85)
    options = parser.parse_args(arguments)
    try:
        classifier = read_network(options.classifier)
        judge = read_network(options.judge) if options.judge else None
        other = read_network(options.encoder) if options.encoder else None
        for run in options.runs:
            verify(run, classifier, options, judge, other)
    except Failure as failure:
        print(f"FAILED {failure}", file=sys.stderr)
        return 1
    print(f"{len(options.runs)} of {len(options.runs)} runs verified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
