"""Whether an atlas of many neurons stays as quick and as small as it began.

    python3 tests/scale/atlas_load.py PROGRAM DIRECTORY [N]

Samples an atlas of the demo pair: all units of fc8, 200 each of fc6 and fc7, and
all channels of conv5, N samples each (default 20), the layers in turn so that all
parts of the run cost the same. Prints, for each tenth of the neurons, the
processor's milliseconds per evaluation, neurons per second, memory, threads and
open files. Fails if memory after any neuron from the tenth on differs from that
after the tenth by more than 5 %, if a thread or a file is left open, or if a
tenth costs more than 1.1 times as much as the first.
"""

import json
import os
import re
import subprocess
import sys
import time
from itertools import chain, zip_longest
from pathlib import Path

TENTHS = 10
SLOWER = 1.1
MEMORY = 0.05
SETTLED = 10  # neurons until everything that stays has been made
LAYERS = [
    [f"fc8:{unit}" for unit in range(10)],
    [f"fc6:{unit}" for unit in range(200)],
    [f"fc7:{unit}" for unit in range(200)],
]


def channels(program: str) -> int:
    """Channels of conv5."""
    told = subprocess.run([program, "inspect"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"^conv5\s.*?\b(\d+)x\d+x\d+", told, re.MULTILINE)[1])


def look(pid: int) -> dict:
    """What a process takes at this moment; memory is in bytes."""
    folder = Path(f"/proc/{pid}")
    status = (folder / "status").read_text()
    number = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[1])
    user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    return {
        "clock": time.monotonic(),
        "busy": (int(user) + int(system)) / os.sysconf("SC_CLK_TCK"),
        "memory": number("RssAnon") * 1024,
        "threads": number("Threads"),
        "files": len(os.listdir(folder / "fd")),
    }


def sample(words: list[str]) -> list[dict]:
    """Runs an atlas, and looks at the process after every neuron."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    looks = []
    for event in map(json.loads, process.stdout):
        if event["event"] == "outcome":
            sampled = event["sampled"]
            evaluations = sampled["samples"] * sampled["evaluations_per_sample"] if sampled else 0
            looks.append(look(process.pid) | {"evaluations": evaluations})
    if process.wait() != 0:
        sys.exit(f"{' '.join(words)}: status {process.returncode}")
    return looks


def main(program: str, directory: str, samples: str = "20") -> None:
    layers = LAYERS + [[f"conv5:{channel}@max" for channel in range(channels(program))]]
    turns = zip_longest(*layers)
    neurons = [neuron for neuron in chain.from_iterable(turns) if neuron]
    Path(directory).mkdir(parents=True)
    listed = Path(directory) / "neurons.txt"
    listed.write_text("\n".join(neurons) + "\n")
    looks = sample([program, "atlas", "--neurons", str(listed), "-n", samples, "--json",
                    "--out", str(Path(directory) / "atlas")])
    missed = sum(look["evaluations"] == 0 for look in looks)
    print(f"{len(looks)} neurons, {missed} of them missed")
    print("tenth  ms/evaluation  neurons/s  memory MB  threads  files")
    size = len(looks) // TENTHS
    costs = []
    for tenth in range(TENTHS):
        # What came before the first neuron was done is no part of the curve.
        first, last = looks[max(tenth * size - 1, 0)], looks[(tenth + 1) * size - 1]
        part = looks[max(tenth * size, 1):(tenth + 1) * size]
        evaluations = sum(look["evaluations"] for look in part)
        costs.append(1e3 * (last["busy"] - first["busy"]) / evaluations)
        rate = len(part) / (last["clock"] - first["clock"])
        print(f"{tenth:5}  {costs[-1]:13.3f}  {rate:9.2f}  {last['memory'] / 1e6:9.2f}"
              f"  {last['threads']:7}  {last['files']:5}")
    settled, later = looks[SETTLED - 1], looks[SETTLED:]
    drift = max(abs(look["memory"] / settled["memory"] - 1) for look in later)
    print(f"memory from neuron {SETTLED} on: at most {100 * drift:.2f} % from that after it")
    slower = max(costs) / costs[0]
    print(f"slowest tenth: {slower:.3f} times the first")
    faults = [
        (drift > MEMORY, "memory is not flat"),
        (slower > SLOWER, "it becomes slower"),
        (any(look["threads"] != settled["threads"] for look in later), "threads are left"),
        (any(look["files"] != settled["files"] for look in later), "files are left open"),
    ]
    found = [fault for is_there, fault in faults if is_there]
    if found:
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
