"""Whether a long run stays as quick and as small as it began.

    python3 tests/scale/long_run.py PROGRAM DIRECTORY [N]

Runs the sampler on the tiny pair for N samples (default 100,000) without images
and prints, for each tenth of its batches, the processor's milliseconds per batch
and the anonymous memory. Fails if the last tenth takes more than 1.1 times as
long as the first, or memory grows by more than 16 bytes a sample and a little.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

TENTHS = 10
SLOWER = 1.1
BYTES_PER_SAMPLE = 16
SPARE = 4 << 20
EVERY = 0.1  # seconds between two looks at the process


def watch(process: subprocess.Popen) -> list[tuple[float, float, int]]:
    """Looks at a process until it ends: (clock, processor seconds, bytes)."""
    folder, looks = Path(f"/proc/{process.pid}"), []
    while process.poll() is None:
        try:
            busy = int((folder / "schedstat").read_text().split()[0]) / 1e9
            anonymous = re.search(r"RssAnon:\s+(\d+)", (folder / "status").read_text())
        except OSError:
            break
        if anonymous:
            looks.append((time.time(), busy, int(anonymous[1]) * 1024))
        time.sleep(EVERY)
    return looks


def at(looks: list, clock: float) -> tuple[float, int]:
    """Processor seconds, interpolated, and bytes at some time."""
    later = next((i for i, look in enumerate(looks) if look[0] >= clock), len(looks) - 1)
    (t0, busy0, _), (t1, busy1, anonymous) = looks[max(later - 1, 0)], looks[later]
    share = (clock - t0) / (t1 - t0) if t1 > t0 else 0.0
    return busy0 + share * (busy1 - busy0), anonymous


def main(program: str, directory: str, samples: str = "100000") -> None:
    words = [program, "sample", "--pair", "tiny", "--neuron", "fc8:volcano=p1..p99",
             "-n", samples, "--threads", "1", "--images", "none", "--out", directory]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    looks = watch(process)
    if process.wait() != 0:
        sys.exit(f"{' '.join(words)}: status {process.returncode}")
    events = map(json.loads, (Path(directory) / "log.jsonl").read_text().splitlines())
    clocks = [event["unix_seconds"] for event in events if event["event"] == "batch"]
    size = len(clocks) // TENTHS
    print(f"{len(clocks)} batches\ntenth  ms per batch  anonymous MB")
    costs, memory = [], []
    for tenth in range(TENTHS):
        first, last = clocks[tenth * size], clocks[(tenth + 1) * size - 1]
        (start, _), (end, anonymous) = at(looks, first), at(looks, last)
        costs.append(1e3 * (end - start) / (size - 1))
        memory.append(anonymous)
        print(f"{tenth + 1:5}  {costs[-1]:12.3f}  {anonymous / 1e6:12.1f}")
    print(f"last tenth / first: {costs[-1] / costs[0]:.3f}")
    if costs[-1] > SLOWER * costs[0]:
        sys.exit(f"expected at most {SLOWER} times the first tenth's time")
    if memory[-1] - memory[0] > BYTES_PER_SAMPLE * int(samples) + SPARE:
        sys.exit(f"expected at most {BYTES_PER_SAMPLE} more bytes a sample")


if __name__ == "__main__":
    main(*sys.argv[1:])
