"""The verifier on runs made here: it passes what is right, and fails on every
planted fault with a line that names the file."""

import contextlib
import io
import json
import struct
import tempfile
import unittest
import zlib
from pathlib import Path

import numpy as np

import tensors
import verify
from network import Network

SAMPLES = 3
NEURONS = [
    ("fc", {"kind": "unit", "index": 1}),
    ("conv", {"kind": "position", "channel": 1, "y": 2, "x": 0}),
    ("conv", {"kind": "max", "channel": 0}),
    ("relu", {"kind": "mean", "channel": 1}),
]


def pack(kind, values):
    """Numbers as bytes of a safetensors dtype; BF16 must lose nothing."""
    if kind == "BF16":
        return (np.asarray(values, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return np.asarray(values, {"F32": "<f4", "F16": "<f2", "U8": "u1"}[kind]).tobytes()


def write_tensors(path, entries, metadata):
    """entries: name -> (dtype, array)."""
    header, body = {"__metadata__": metadata}, b""
    for name, (kind, values) in entries.items():
        data = pack(kind, values)
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def write_png(path, image):
    """u8 [c, h, w], unfiltered."""
    channels, height, width = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image.transpose(1, 2, 0))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in parts:
        data += struct.pack(">I", len(content)) + kind + content
        data += struct.pack(">I", zlib.crc32(kind + content))
    path.write_bytes(data)


def write_network(path, channels, layers, entries, shape=(1, 4, 4), mean=0.5, std=0.25):
    count = shape[0]
    description = {
        "version": 1,
        "name": "test",
        "input": {"name": "data", "shape": list(shape)},
        "image": dict(channels=channels, scale=1.0, mean=[mean] * count, std=[std] * count),
        "layers": [{"name": name, "op": op, "inputs": [source]} for name, op, source in layers],
        "origin": {"source": "test", "licence": "none"},
    }
    write_tensors(path, entries, {"network": json.dumps(description)})


def write_classifier(path):
    random = np.random.default_rng(0)
    layers = [
        ("conv", {"convolution": {"outputs": 2, "kernel": [3, 3], "pad": [1, 1]}}, "data"),
        ("relu", {"relu": {}}, "conv"),
        ("fc", {"inner_product": {"outputs": 3}}, "relu"),
    ]
    entries = {
        "conv.weight": ("F32", random.normal(size=(2, 1, 3, 3))),
        "conv.bias": ("BF16", np.array([0.5, -0.25])),
        "fc.weight": ("F16", random.normal(size=(3, 32))),
        "fc.bias": ("F32", random.normal(size=3)),
    }
    write_network(path, "grey", layers, entries)


def write_judge(path):
    """Class 0 for dark images, class 1 for bright ones."""
    layers = [("score", {"inner_product": {"outputs": 2, "bias": False}}, "data")]
    weight = np.stack([-np.ones(16), np.ones(16)])
    write_network(path, "grey", layers, {"score.weight": ("F32", weight)})


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.run_dir = self.root / "run"
        (self.run_dir / "samples").mkdir(parents=True)
        self.classifier = self.root / "classifier.safetensors"
        self.judge = self.root / "judge.safetensors"
        write_classifier(self.classifier)
        write_judge(self.judge)
        # Two bright images and a dark one.
        random = np.random.default_rng(1)
        self.images = random.integers(140, 256, (SAMPLES, 1, 4, 4)).astype(np.uint8)
        self.images[2] -= 140
        network = Network(self.classifier)
        layers = network.look(self.images, [layer for layer, _ in NEURONS])
        values = np.stack([verify.unit_values(layers[name], unit) for name, unit in NEURONS])
        self.encodings = network.look(self.images, ["relu"])["relu"].reshape(SAMPLES, -1)
        self.resolved = {
            "samples": SAMPLES,
            "encoder": "relu",
            "images": "png",
            "neurons": [
                {"layer": name, "unit": unit, "lo": v.min(), "hi": v.max(), "expression": ""}
                for (name, unit), v in zip(NEURONS, values)
            ],
        }
        self.manifest = {
            "samples": [
                {"file": f"samples/{i:05}.png", "activations": list(values[:, i]), "batch": 0}
                for i in range(SAMPLES)
            ],
            "evaluations": {"total": 30.0, "per_sample": 10.0},
        }

    def check(self, *options):
        """Writes the run and verifies it: (exit status, stdout, stderr)."""
        for i, image in enumerate(self.images):
            write_png(self.run_dir / f"samples/{i:05}.png", image)
        entries = {"images": ("U8", self.images), "encodings": ("F32", self.encodings)}
        write_tensors(self.run_dir / "samples.safetensors", entries, {})
        (self.run_dir / "run.json").write_text(json.dumps(self.resolved))
        (self.run_dir / "manifest.json").write_text(json.dumps(self.manifest))
        return self.verify(*options)

    def verify(self, *options):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = verify.main([str(self.classifier), str(self.run_dir), *options])
        return status, out.getvalue(), err.getvalue()

    def fails(self, file, reason, *options):
        status, _, err = self.check(*options)
        self.assert_failure(status, err, file, reason)

    def assert_failure(self, status, err, file, reason):
        self.assertEqual(status, 1)
        self.assertEqual(err.count("\n"), 1)
        self.assertTrue(err.startswith(f"FAILED {self.root / file}: "), err)
        self.assertIn(reason, err)

    def test_a_right_run_passes_with_closed_ends(self):
        status, out, err = self.check()
        self.assertEqual((status, err), (0, ""))
        self.assertIn("3 images, 10.00 evaluations per sample", out)
        for name in ("fc:1 in", "conv:1@2,0 in", "conv:0@max in", "relu:1@mean in"):
            self.assertIn(name, out)
        self.assertEqual(out.count("margin 0.00e+00"), len(NEURONS))

    def test_encoders(self):
        pixels = self.images.reshape(SAMPLES, -1) / 255.0
        judge = Network(self.judge).look(self.images, ["score"])["score"]
        other = {"network": {"layer": "score", "file": "judge.safetensors"}}
        for encoder, encodings in [({"pixels": {}}, pixels), (other, judge)]:
            self.resolved["encoder"], self.encodings = encoder, encodings
            self.assertEqual(self.check("--encoder", str(self.judge))[0], 0)
        self.fails("run", "give judge.safetensors by --encoder")
        self.encodings = judge[:, :1]
        reason = "has encodings (3, 1), the encoder gives (3, 2)"
        self.fails("run/samples.safetensors", reason, "--encoder", str(self.judge))

    def test_a_wrong_encoding(self):
        for wrong in (0.01, float("nan")):
            self.encodings[1, 2] += wrong
            self.fails("run/samples.safetensors", "the encoding of image 1 is another")

    def test_an_open_end_holds_everything(self):
        self.resolved["neurons"][0] |= {"lo": None, "hi": None}
        status, out, _ = self.check()
        self.assertEqual(status, 0)
        self.assertIn("fc:1 in [-inf, inf]", out)

    def test_an_image_out_of_range(self):
        neuron = self.resolved["neurons"][1]
        values = [sample["activations"][1] for sample in self.manifest["samples"]]
        neuron["hi"] = float(np.nextafter(neuron["hi"], -np.inf))
        self.fails(f"run/samples/{np.argmax(values):05}.png", "conv:1@2,0 is ")
        neuron["lo"], neuron["hi"] = float(np.nextafter(min(values), np.inf)), None
        self.fails(f"run/samples/{np.argmin(values):05}.png", "conv:1@2,0 is ")

    def test_a_range_that_is_not_a_number(self):
        self.resolved["neurons"][2]["lo"] = float("nan")
        self.fails("run/samples/00000.png", "conv:0@max is ")

    def test_pixels_changed_after_the_manifest(self):
        for neuron in self.resolved["neurons"]:
            neuron |= {"lo": None, "hi": None}
        self.images[1, 0, 2, 0] -= 40
        self.fails("run/samples/00001.png", "manifest.json says")

    def test_a_wrong_manifest_value(self):
        self.manifest["samples"][2]["activations"][3] += 0.01
        self.fails("run/samples/00002.png", "relu:1@mean is ")
        self.manifest["samples"][2]["activations"][3] = float("nan")
        self.fails("run/samples/00002.png", "manifest.json says nan")

    def test_a_missing_activation(self):
        self.manifest["samples"][1]["activations"].pop()
        self.fails("run/samples/00001.png", "has not 4 activations")

    def test_a_duplicated_image(self):
        self.images[2] = self.images[0]
        self.manifest["samples"][2]["activations"] = self.manifest["samples"][0]["activations"]
        self.fails("run/samples/00002.png", "is the same image as samples/00000.png")

    def test_files_and_lists_that_disagree(self):
        (self.run_dir / "samples/extra.png").write_bytes(b"")
        self.fails("run/samples/extra.png", "is not in manifest.json")
        (self.run_dir / "samples/extra.png").unlink()
        self.check()
        (self.run_dir / "samples/00001.png").unlink()
        status, _, err = self.verify()
        self.assert_failure(status, err, "run/samples/00001.png", "not there")

    def test_fewer_samples_than_asked(self):
        self.resolved["samples"] = SAMPLES + 1
        self.manifest["evaluations"] = {"total": 40.0, "per_sample": 10.0}
        self.fails("run/manifest.json", "lists 3 images in 3 files, run.json says 4")

    def test_one_file_listed_twice(self):
        self.manifest["samples"].append(self.manifest["samples"][0])
        self.fails("run/manifest.json", "lists 4 images in 3 files, run.json says 3")
        self.resolved["samples"] = SAMPLES + 1
        self.manifest["evaluations"] = {"total": 40.0, "per_sample": 10.0}
        self.fails("run/manifest.json", "lists 4 images in 3 files, run.json says 4")

    def test_images_in_folders(self):
        self.check()
        for sample in self.manifest["samples"]:
            old = self.run_dir / sample["file"]
            sample["file"] = sample["file"].replace("samples/", "samples/000/")
            new = self.run_dir / sample["file"]
            new.parent.mkdir(exist_ok=True)
            old.rename(new)
        (self.run_dir / "manifest.json").write_text(json.dumps(self.manifest))
        status, _, err = self.verify()
        self.assertEqual((status, err), (0, ""))

    def store(self, form):
        """Stores the images in another form than PNG files."""
        self.resolved["images"] = form
        for sample in self.manifest["samples"]:
            sample.pop("file", None)

    def test_images_in_a_tensor(self):
        self.store("tensor")
        status, _, err = self.check()
        self.assertEqual((status, err), (0, ""))
        right = self.images.copy()
        self.images[1, 0, 2, 0] -= 40
        self.fails("run/samples.safetensors[1]", "manifest.json says")
        self.images = right[[0, 1, 0]]
        self.fails("run/samples.safetensors[2]", "is the same image as samples.safetensors[0]")
        self.images = right[:2]
        self.fails("run/samples.safetensors", "holds 2 images, run.json says 3")

    def test_no_images(self):
        self.store("none")
        self.fails("run", "stores no images")

    def test_too_many_evaluations(self):
        reason = "10.00 evaluations per sample, more than 9"
        self.fails("run/manifest.json", reason, "--max-evaluations=9")
        self.manifest["evaluations"]["per_sample"] = 8.0
        self.fails("run/manifest.json", "8.0 evaluations per sample, the total says 10")

    def test_the_judge(self):
        judge = ("--judge", str(self.judge), "--judge-class", "1", "--judge-share")
        status, out, _ = self.check(*judge, "0.66")
        self.assertEqual(status, 0)
        self.assertIn("the judge sees class 1 in 66.7%", out)
        self.fails("run", "the judge sees class 1 in 66.7%, expected 67.0%", *judge, "0.67")

    def test_a_damaged_image(self):
        self.check()
        path = self.run_dir / "samples/00001.png"
        path.write_bytes(path.read_bytes()[:-20])
        status, _, err = self.verify()
        self.assert_failure(status, err, "run/samples/00001.png", "cannot be read as a PNG file")

    def test_an_image_of_another_size(self):
        self.images = np.pad(self.images, [(0, 0), (0, 0), (0, 1), (0, 0)])
        self.fails("run", "expected shape [1, 4, 4], found [1, 5, 4]")

    def test_a_layer_that_is_not_there(self):
        self.resolved["neurons"][0]["layer"] = "fc9"
        self.fails("run", "no layer fc9")

    def test_a_damaged_network(self):
        data = self.classifier.read_bytes()
        self.check()
        self.classifier.write_bytes(data[:-1])
        status, _, err = self.verify()
        self.assert_failure(status, err, "classifier.safetensors", "fc.bias lies outside the file")


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "network.safetensors"

    def test_dtypes(self):
        values = np.array([[1.5, -0.25], [0.0, 96.0]])
        entries = {kind: (kind, values) for kind in ("F32", "F16", "BF16")}
        write_tensors(self.path, entries, {"key": "value"})
        metadata, found = tensors.read(self.path)
        self.assertEqual(metadata, {"key": "value"})
        for kind in entries:
            np.testing.assert_array_equal(found[kind], values)

    def test_encoding_in_bgr_with_a_mean_image(self):
        layers = [("same", "dropout", "data")]
        mean = np.arange(6.0).reshape(3, 1, 2)
        write_network(
            self.path, "bgr", layers, {"image.mean": ("F32", mean)}, shape=(3, 1, 2), std=2.0
        )
        pixels = np.array([255, 0, 51, 102, 0, 255], np.uint8).reshape(1, 3, 1, 2)
        found = Network(self.path).look(pixels, ["same"])["same"]
        expected = [0, 0, -0.9, -1.3, -1.5, -2.5]
        np.testing.assert_allclose(found.ravel(), expected, atol=1e-12)


if __name__ == "__main__":
    unittest.main()
