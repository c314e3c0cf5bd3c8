"""Fashion-MNIST as tensors, split and augmented.

Images are padded from 28 to 32 pixels with black and scaled to [0, 1].
"""

import gzip
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

FOLDER = "/usr/share/datasets/fashion-mnist"  # Debian: dataset-fashion-mnist
TRAIN = 50_000  # the first training images train, the others are held out


def read_idx(path):
    """One gzipped IDX file of bytes -> u8 tensor of its shape."""
    raw = gzip.decompress(Path(path).read_bytes())
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, 4).astype(int)
    return torch.from_numpy(np.frombuffer(raw, np.uint8, -1, 4 + 4 * rank).reshape(shape).copy())


def load(part, folder=FOLDER):
    """`train` [50000], `heldout` [10000] or `test` [10000] ->
    (images u8 [n, 28, 28], labels i64 [n])."""
    stem = "t10k" if part == "test" else "train"
    images = read_idx(Path(folder) / f"{stem}-images-idx3-ubyte.gz")
    labels = read_idx(Path(folder) / f"{stem}-labels-idx1-ubyte.gz").long()
    cut = {"train": slice(0, TRAIN), "heldout": slice(TRAIN, None), "test": slice(None)}[part]
    return images[cut], labels[cut]


def pad(images):
    """u8 [n, 28, 28] -> f32 [n, 1, 32, 32] in [0, 1]."""
    return F.pad(images.float().unsqueeze(1) / 255, (2, 2, 2, 2))


def inner(images):
    """[n, 1, 32, 32] -> the 28 x 28 pixels that are not padding."""
    return images[:, :, 2:30, 2:30]


def augment(images, shift, flip):
    """Moves every image [n, 1, 32, 32] by up to `shift` pixels each way and
    mirrors it with probability `flip`."""
    n, _, height, width = images.shape
    rows = torch.arange(height) + torch.randint(0, 2 * shift + 1, (n, 1))
    columns = torch.arange(width) + torch.randint(0, 2 * shift + 1, (n, 1))
    columns = torch.where(torch.rand(n, 1) < flip, columns.flip(1), columns)
    wide = F.pad(images[:, 0], (shift, shift, shift, shift))
    return wide[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]].unsqueeze(1)
