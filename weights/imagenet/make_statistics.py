"""How strongly the units of CaffeNet's fc6, fc7 and pool5 fire on ImageNet.

    python3 make_statistics.py SYNTHESIZING/act_range

SYNTHESIZING is a checkout of github.com/Evolving-AI-Lab/synthesizing (MIT).
Its files hold, for each unit, the mean plus one, two and three standard
deviations of the activation after the ReLU, each cut to an integer. They are
stored as they are: activations.safetensors, beside this script, has one U8
tensor [3, units] for each layer, rows k = 1, 2, 3.

The integers are cut, not rounded: taken as rounded, the mean of fc7 would be
negative, which no ReLU gives; taken as cut, that of fc8 is zero, as weight
decay makes it. So v[k] stands for v[k] + 1/2, and the least-squares line
through the three says

    std  = (v[3] - v[1]) / 2
    mean = (4 v[1] + v[2] - 2 v[3]) / 3 + 1/2, but not below 0
"""

import json
import sys
from pathlib import Path

# The layer, the name of its file and its units. The files called conv5 hold
# pool5: they have its 256 x 6 x 6 values, and those of 1x and 2x are the same.
LAYERS = [("fc6", "fc6", 4096), ("fc7", "fc7", 4096), ("pool5", "conv5", 256 * 6 * 6)]


def read(folder: Path, name: str, units: int) -> list[list[int]]:
    """The rows k = 1, 2, 3 of a layer, which never fall."""
    rows = []
    for k in (1, 2, 3):
        path = folder / f"{k}x" / f"{name}.txt"
        if not path.is_file():
            sys.exit(f"{path}: no such file; give the folder act_range of a checkout")
        row = [int(value) for value in path.read_text().split()]
        if len(row) != units:
            sys.exit(f"{path}: expected {units} values, found {len(row)}")
        rows.append(row)
    if any(not a <= b <= c for a, b, c in zip(*rows)):
        sys.exit(f"{folder}: {name} falls from 1x to 3x")
    return rows


def report(layer: str, rows: list[list[int]]) -> None:
    """Prints what the rows say about the layer."""
    units = len(rows[0])
    averages = ", ".join(f"{k}x {sum(row) / units:.3f}" for k, row in enumerate(rows, 1))
    stds = [(c - a) / 2 for a, _, c in rows_by_unit(rows)]
    means = [(4 * a + b - 2 * c) / 3 + 0.5 for a, b, c in rows_by_unit(rows)]
    clipped = [max(mean, 0) for mean in means]
    print(f"{layer}: {units} units; {averages}; 3x {min(rows[2])} to {max(rows[2])}")
    print(f"  std {sum(stds) / units:.3f}, at least {min(stds)}")
    print(f"  mean {sum(means) / units:.3f}, clipped {sum(clipped) / units:.3f}")


def rows_by_unit(rows: list[list[int]]) -> list[tuple[int, int, int]]:
    """The three values of each unit."""
    return list(zip(*rows))


def main() -> None:
    """Reads the folder, prints the checks and writes the file."""
    if len(sys.argv) != 2:
        sys.exit("usage: make_statistics.py SYNTHESIZING/act_range")
    folder = Path(sys.argv[1])
    header, data = {}, b""
    for layer, name, units in LAYERS:
        rows = read(folder, name, units)
        report(layer, rows)
        start = len(data)
        data += b"".join(bytes(row) for row in rows)
        header[layer] = {"dtype": "U8", "shape": [3, units], "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out = Path(__file__).with_name("activations.safetensors")
    out.write_bytes(len(text).to_bytes(8, "little") + text + data)
    print(f"{out.name}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
