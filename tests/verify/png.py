"""Reads PNG files: 8 bits, grey or RGB, not interlaced; all five row filters.

PNG specification, third edition, sections 5 (chunks), 7.2 (scanlines) and 9
(filters).
"""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3}  # colour type -> samples per pixel


def chunks(data):
    """Yields (type, content) up to IEND; checks every chunk's CRC."""
    if data[:8] != SIGNATURE:
        raise ValueError("no PNG signature")
    at = 8
    while True:
        if at + 12 > len(data):
            raise ValueError("truncated before IEND")
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        stored = data[at + 8 + length : at + 12 + length]
        if stored != struct.pack(">I", zlib.crc32(kind + content)):
            raise ValueError(f"chunk {kind.decode('latin-1')} has a wrong CRC")
        yield kind, content
        if kind == b"IEND":
            return
        at += 12 + length


def paeth(left, above, corner):
    """The neighbour nearest to left + above - corner; ties in this order."""
    to_left, to_above = abs(above - corner), abs(left - corner)
    to_corner = abs(left + above - 2 * corner)
    if to_left <= to_above and to_left <= to_corner:
        return left
    return above if to_above <= to_corner else corner


PREDICTIONS = {
    0: lambda left, above, corner: 0,
    1: lambda left, above, corner: left,
    2: lambda left, above, corner: above,
    3: lambda left, above, corner: (left + above) // 2,
    4: paeth,
}


def unfilter(kind, row, above, step):
    """Restores one row of bytes in place. `above` is the restored row before
    it (zeros for the first), `step` the bytes of one pixel."""
    if kind not in PREDICTIONS:
        raise ValueError(f"unknown row filter {kind}")
    predict = PREDICTIONS[kind]
    for i, x in enumerate(row):
        left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
        row[i] = (x + predict(left, above[i], corner)) & 255


def decode(data):
    """Bytes of a PNG file -> u8 array [c, h, w], c = 1 (grey) or 3 (RGB)."""
    header, body = None, b""
    for kind, content in chunks(data):
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", content)
        elif kind == b"IDAT":
            body += content
    if header is None:
        raise ValueError("no IHDR chunk")
    width, height, depth, colour, _, _, interlace = header
    if depth != 8 or colour not in CHANNELS or interlace:
        raise ValueError(
            f"depth {depth}, colour type {colour}, interlace {interlace};"
            " expected 8 bits, grey or RGB, not interlaced"
        )
    step = CHANNELS[colour]
    pitch = width * step
    lines = zlib.decompress(body)
    if len(lines) != height * (1 + pitch):
        raise ValueError(f"{len(lines)} bytes of pixels for {width}x{height}")
    out, above = bytearray(), bytes(pitch)
    for at in range(0, len(lines), 1 + pitch):
        row = bytearray(lines[at + 1 : at + 1 + pitch])
        unfilter(lines[at], row, above, step)
        out += row
        above = row
    return np.frombuffer(bytes(out), np.uint8).reshape(height, width, step).transpose(2, 0, 1)
