"""Trains the demo networks on Fashion-MNIST, in stages.

    python train.py classifier judge generator codes figures export

Each stage picks up where it stopped. Files go to `--raw` (default: raw/ beside
this script), figures to figures.json and the log to training.log beside it.
"""

import argparse
import json
import platform
from pathlib import Path

import torch

import classify
import codes
import data
import export
import generate
import measure
from networks import Classifier, Generator, Judge

HERE = Path(__file__).resolve().parent
STAGES = ("classifier", "judge", "generator", "codes", "figures", "export")


def log(message):
    """Prints a line and appends it to training.log."""
    print(message, flush=True)
    with open(HERE / "training.log", "a") as file:
        file.write(message + "\n")


def trained(raw, name):
    """The state that a stage left in raw/<name>.pt."""
    path = raw / f"{name}.pt"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run the stage `{name}` first")
    return torch.load(path, weights_only=False)


def restored(raw, *names):
    """The trained networks of these names, ready to be asked."""
    out = []
    for name in names:
        network = dict(classifier=Classifier, judge=Judge, generator=Generator)[name]()
        key = "average" if name == "generator" else "network"
        network.load_state_dict(trained(raw, name)[key])
        out.append(network.eval().requires_grad_(False))
        if name == "generator":
            network.fold()
    return out


def multiply_adds(generator):
    """What one image costs."""
    total = 0

    def count(layer, inputs, _):
        nonlocal total
        places = inputs[0][0, 0].numel() if inputs[0].dim() == 4 else 1
        total += layer.weight.numel() * places

    hooks = [layer.register_forward_hook(count) for layer in generator.children()]
    generator(torch.zeros(1, 256))
    for hook in hooks:
        hook.remove()
    return total


def figures(raw, folder, part="test"):
    """Everything that is reported about the networks, as one dictionary."""
    classifier, judge, generator = (
        network.to(memory_format=torch.channels_last)  # the same figures, sooner
        for network in restored(raw, "classifier", "judge", "generator"))
    images, labels = data.load(part, folder)
    images = data.pad(images)
    saved = {name: trained(raw, name) for name in ("classifier", "judge", "generator")}
    return {
        "images": part,
        "accuracy": {name: classify.accuracy(network, images, labels)
                     for name, network in (("classifier", classifier), ("judge", judge))},
        "generator": measure.pair(classifier, generator, judge,
                                  export.held_out_ranges(classifier, folder), images),
        "training": {
            **{name: {"seed": classify.SETTINGS[name]["seed"], "epochs": saved[name]["epoch"],
                      "minutes": round(saved[name]["seconds"] / 60, 1)}
               for name in ("classifier", "judge")},
            "generator": {"seed": generate.SEED, "steps": saved["generator"]["total"],
                          "minutes": round(saved["generator"]["seconds"] / 60, 1),
                          "weights": sum(p.numel() for p in generator.parameters()),
                          "multiply-adds": multiply_adds(generator)},
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="+", choices=STAGES)
    parser.add_argument("--data", default=data.FOLDER, help="folder of the four .gz files")
    parser.add_argument("--raw", type=Path, default=HERE / "raw")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--held-out", action="store_true",
                        help="figures of the held-out images, printed only")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    raw = options.raw
    raw.mkdir(parents=True, exist_ok=True)
    for stage in options.stages:
        if stage in classify.SETTINGS:
            classify.train(stage, options.data, raw, log)
        elif stage == "generator":
            generate.train(restored(raw, "classifier")[0], options.data, raw, log)
        elif stage == "codes":
            codes.train(restored(raw, "classifier")[0], options.data, raw, log)
        elif stage == "figures" and options.held_out:
            print(json.dumps(figures(raw, options.data, "heldout"), indent=1))
        elif stage == "figures":
            text = json.dumps(figures(raw, options.data), indent=1)
            (HERE / "figures.json").write_text(text + "\n")
            print(text)
        else:
            classifier, generator, judge = restored(raw, "classifier", "generator", "judge")
            export.export(classifier, generator, judge, options.data, raw)


if __name__ == "__main__":
    main()
