"""Labels of the pictures that a scan of the demo's real images found:

    python3 docs/count_labels.py SCAN.CSV REFERENCE.SAFETENSORS [LEAST]

counts those in range, or those with an activation of at least LEAST.
"""

import collections
import csv
import json
import struct
import sys

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
         "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

with open(sys.argv[2], "rb") as file:
    length, = struct.unpack("<Q", file.read(8))
    begin, end = json.loads(file.read(length))["labels"]["data_offsets"]
    file.seek(8 + length + begin)
    labels = file.read(end - begin)

least = float(sys.argv[3]) if len(sys.argv) > 3 else None
counts = collections.Counter()
with open(sys.argv[1], newline="") as file:
    for number, activation, *_, in_range in list(csv.reader(file))[1:]:
        found = in_range == "true" if least is None else float(activation) >= least
        counts[NAMES[labels[int(number)]]] += found
print(", ".join(f"{count} {name}" for name, count in counts.most_common() if count))
