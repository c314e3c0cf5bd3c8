"""Whether an atlas of many neurons stays as quick and as small as it began.

    python3 tests/scale/atlas_load.py PROGRAM DIRECTORY [N]

Samples an atlas of the demo pair: all units of fc8, 200 each of fc6 and fc7, and
all channels of conv5, N samples each (default 20), the layers in turn so that all
parts of the run cost the same. Looks at the process fifty times a second, and
prints, for each tenth of the neurons, the processor's milliseconds per
evaluation, the clock's for the quickest quarter of the neurons, which other work
on the machine disturbs least, neurons per second, the greatest memory that a
neuron took, and the least number of threads and open files. Fails if a neuron
after the tenth took 5 % more or less memory than the tenth did, if threads or
open files become more in the second half, or if the quickest quarter of a tenth
takes more than 1.1 times as long as that of the first.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from itertools import chain, zip_longest
from pathlib import Path

TENTHS = 10
SLOWER = 1.1
MEMORY = 0.05
SETTLED = 10  # neurons until everything that stays has been made
EVERY = 0.02  # seconds between two looks at the process
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
    return {
        "clock": time.monotonic(),
        "memory": number("RssAnon") * 1024,
        "threads": number("Threads"),
        "files": len(os.listdir(folder / "fd")),
    }


def busy(pid: int) -> float:
    """Processor seconds of all threads so far, those that have ended included."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def sample(words: list[str]) -> list[dict]:
    """Runs an atlas: what every neuron took."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    looks, neurons = [], []

    def watch() -> None:
        while process.poll() is None:
            try:
                looks.append(look(process.pid))
            except (OSError, TypeError):  # it has just ended
                return
            time.sleep(EVERY)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    for event in map(json.loads, process.stdout):
        if event["event"] != "outcome":
            continue
        sampled = event["sampled"]
        now = time.monotonic()
        part = [look for look in looks[:] if began <= look["clock"] < now]
        looks.clear()
        neurons.append({
            "seconds": now - began,
            "busy": busy(process.pid),
            "evaluations":
                sampled["samples"] * sampled["evaluations_per_sample"] if sampled else 0,
            "memory": max((look["memory"] for look in part), default=None),
            "threads": min((look["threads"] for look in part), default=None),
            "files": min((look["files"] for look in part), default=None),
        })
        began = now
    watching.join()
    if process.wait() != 0:
        sys.exit(f"{' '.join(words)}: status {process.returncode}")
    return neurons


def main(program: str, directory: str, samples: str = "20") -> None:
    layers = LAYERS + [[f"conv5:{channel}@max" for channel in range(channels(program))]]
    turns = zip_longest(*layers)
    neurons = [neuron for neuron in chain.from_iterable(turns) if neuron]
    Path(directory).mkdir(parents=True)
    listed = Path(directory) / "neurons.txt"
    listed.write_text("\n".join(neurons) + "\n")
    took = sample([program, "atlas", "--neurons", str(listed), "-n", samples, "--json",
                   "--out", str(Path(directory) / "atlas")])
    missed = sum(neuron["evaluations"] == 0 for neuron in took)
    print(f"{len(took)} neurons, {missed} of them missed")
    print("tenth  ms/evaluation  quickest  neurons/s  memory MB  threads  files")
    size = len(took) // TENTHS
    costs, left = [], []
    for tenth in range(TENTHS):
        # What came before the first neuron was done is no part of the curve.
        first, part = took[max(tenth * size - 1, 0)], took[max(tenth * size, 1):(tenth + 1) * size]
        seen = [neuron for neuron in part if neuron["memory"] is not None]
        evaluations = sum(neuron["evaluations"] for neuron in part)
        busy_each = 1e3 * (part[-1]["busy"] - first["busy"]) / evaluations
        each = sorted(1e3 * neuron["seconds"] / neuron["evaluations"]
                      for neuron in part if neuron["evaluations"])
        costs.append(each[len(each) // 4])
        left.append([min(neuron[what] for neuron in seen) for what in ("threads", "files")])
        rate = len(part) / sum(neuron["seconds"] for neuron in part)
        memory = max(neuron["memory"] for neuron in seen)
        print(f"{tenth:5}  {busy_each:13.3f}  {costs[-1]:8.3f}  {rate:9.2f}  {memory / 1e6:9.2f}"
              f"  {left[-1][0]:7}  {left[-1][1]:5}")
    settled = took[SETTLED - 1]["memory"]
    later = [neuron["memory"] for neuron in took[SETTLED:] if neuron["memory"] is not None]
    drift = max(abs(memory / settled - 1) for memory in later)
    print(f"memory: at most {100 * drift:.2f} % from that of neuron {SETTLED}")
    slower = max(costs) / costs[0]
    print(f"the slowest tenth took {slower:.3f} times as long as the first")
    halves = left[:TENTHS // 2], left[TENTHS // 2:]
    early, late = ([min(column) for column in zip(*half)] for half in halves)
    more = [after > before for before, after in zip(early, late)]
    faults = [
        (drift > MEMORY, "memory is not flat"),
        (slower > SLOWER, "it becomes slower"),
        (any(more), "threads or files are left open"),
    ]
    found = [fault for is_there, fault in faults if is_there]
    if found:
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
