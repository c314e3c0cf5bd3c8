"""Reads safetensors files: U8, U64, F32, F16 and BF16, all widened to f64."""

import json
import struct

import numpy as np


def widen(kind, data):
    """Little-endian numbers of a safetensors dtype -> f64 array."""
    if kind == "F32":
        return np.frombuffer(data, "<f4").astype(np.float64)
    if kind == "F16":
        return np.frombuffer(data, "<f2").astype(np.float64)
    if kind == "BF16":
        # bfloat16 is the upper half of a float32.
        wide = np.frombuffer(data, "<u2").astype("<u4") << 16
        return wide.view("<f4").astype(np.float64)
    if kind in ("U8", "U64"):
        # Of a hash the last bits are lost.
        return np.frombuffer(data, f"<u{int(kind[1:]) // 8}").astype(np.float64)
    raise ValueError(f"dtype {kind} is not U8, U64, F32, F16 or BF16")


def read(path):
    """Path -> (metadata: dict of strings, tensors: dict of f64 arrays)."""
    data = path.read_bytes()
    if len(data) < 8:
        raise ValueError("too short for a safetensors file")
    (length,) = struct.unpack_from("<Q", data)
    body = 8 + length
    if body > len(data):
        raise ValueError(f"header of {length} bytes in a file of {len(data)}")
    header = json.loads(data[8:body])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= len(data) - body:
            raise ValueError(f"tensor {name} lies outside the file")
        values = widen(entry["dtype"], data[body + begin : body + end])
        tensors[name] = values.reshape(entry["shape"])
    return metadata, tensors
