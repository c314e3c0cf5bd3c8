"""Writes Caffe networks: `.caffemodel` (protobuf's wire format) and `.prototxt` (its text format), in all
three versions of Caffe's format, from one description.

    net = Net("small", inputs={"data": [1, 3, 13, 13]}, layers=[
        Layer("conv1", "Convolution", ["data"], ["conv1"], [weight, bias],
              convolution_param={"num_output": 4, "kernel_size": 3}),
        Layer("relu1", "ReLU", ["conv1"], ["conv1"]),
    ])
    write_caffemodel("small.caffemodel", net, version=1)
    write_prototxt("small.prototxt", net, version=2)

Types and parameters are V2's; they are rewritten for V1 and V0. Weights go to the file as they lie in
memory, array by array, so that a network may be larger than what is free.
"""

import struct
from dataclasses import dataclass, field, replace

import numpy as np

from schema import MESSAGES, TYPES

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
# Caffe has no field of these numbers; a reader is to skip them.
UNKNOWN = [
    (20000, VARINT, b"\x96\x01"),
    (20001, FIXED64, b"\xff" * 8),
    (20002, LENGTH, b"\x03abc"),
    (20003, FIXED32, b"\x0a" * 4),
]


@dataclass
class Layer:
    """One layer: V2 type, names of blobs, weights, and parameter messages by their field's name in V2."""

    name: str
    type: str
    bottoms: list
    tops: list
    blobs: list
    fields: dict

    def __init__(self, name, type, bottoms=(), tops=(), blobs=(), **fields):
        self.name, self.type = name, type
        self.bottoms, self.tops, self.blobs = list(bottoms), list(tops), list(blobs)
        self.fields = fields


@dataclass
class Net:
    """A network. `inputs` are shapes by name, written as `input` with `input_form`: dim (input_dim),
    shape (input_shape), layer (an Input layer, V2 only) or name (no shape at all)."""

    name: str
    layers: list
    inputs: dict = field(default_factory=dict)
    input_form: str = "shape"


@dataclass
class Style:
    """How a binary file is written.

    `dims`: legacy (num, channels, height, width) or shape; None takes what Caffe wrote with the version.
    `packing`: packed, unpacked, or mixed (two packed pieces with numbers of their own in between).
    `double`: the numbers are double_data. `unknown`: unknown fields stand in every message.
    `reversed`: fields stand in descending order of their numbers. `structure`: False leaves only the
    names and blobs of layers that have blobs.
    """

    dims: str = None
    packing: str = "packed"
    double: bool = False
    unknown: bool = False
    reversed: bool = False
    structure: bool = True


def write_caffemodel(path, net, version=2, style=None):
    """Writes the network with its weights, piece by piece."""
    with open(path, "wb") as file:
        for piece in net_pieces(net, version, style):
            file.write(piece)


def caffemodel(net, version=2, style=None):
    """The same as bytes."""
    return b"".join(net_pieces(net, version, style))


def net_pieces(net, version, style):
    style = style or Style()
    dims = style.dims or ("shape" if version == 2 else "legacy")
    return message("NetParameter", net_fields(net, version, style.structure), replace(style, dims=dims))


def write_mean(path, array, style=None):
    """Writes a mean image [channels, height, width] as a BlobProto file (`.binaryproto`)."""
    with open(path, "wb") as file:
        for piece in blob(array, style or Style(dims="legacy")):
            file.write(piece)


def write_prototxt(path, net, version=2, comment=""):
    """Writes the structure alone."""
    head = f"# {comment}\n" if comment else ""
    with open(path, "w", newline="\n") as file:
        file.write(head + text("NetParameter", net_fields(net, version, structure=True)))


# The same network in each version: lists of (field, value), values being scalars, arrays or such lists.


def net_fields(net, version, structure):
    fields = [("name", net.name)]
    if structure:
        fields += input_fields(net)
    layer = {0: v0_layer, 1: v1_layer, 2: v2_layer}[version]
    key = "layer" if version == 2 else "layers"
    layers = input_layers(net) + net.layers if structure else [bare(l) for l in net.layers if l.blobs]
    return fields + [(key, layer(l)) for l in layers]


def input_fields(net):
    fields = []
    for name, shape in net.inputs.items() if net.input_form != "layer" else ():
        fields.append(("input", name))
        if net.input_form == "shape":
            fields.append(("input_shape", {"dim": shape}))
        elif net.input_form == "dim":
            fields += [("input_dim", size) for size in shape]
    return fields


def input_layers(net):
    if net.input_form != "layer":
        return []
    inputs = net.inputs.items()
    return [Layer(name, "Input", [], [name], input_param={"shape": {"dim": shape}}) for name, shape in inputs]


def bare(layer):
    return Layer(layer.name, None, blobs=layer.blobs)


def v2_layer(layer):
    return head(layer, layer.type) + list(layer.fields.items()) + weights(layer)


def v1_layer(layer):
    v1 = next((v1 for v2, v1, _ in TYPES if v2 == layer.type), None)
    assert v1 or layer.type is None, f"V1 has no {layer.type}"
    return head(layer, v1 and v1[0]) + list(layer.fields.items()) + weights(layer)


V0_NAMES = {
    "bias_term": "biasterm",
    "kernel_size": "kernelsize",
    "batch_size": "batchsize",
    "crop_size": "cropsize",
    "mean_file": "meanfile",
}


def v0_layer(layer):
    """A V0 layer: its parameters lie flat beside its name, blobs' names outside."""
    v0 = next((v0 for v2, _, v0 in TYPES if v2 == layer.type), None)
    assert v0 or layer.type is None, f"V0 has no {layer.type}"
    inner = [("name", layer.name)] + ([("type", v0)] if v0 else [])
    for fields in layer.fields.values():
        inner += [(V0_NAMES.get(name, name), value) for name, value in fields.items()]
    return [("layer", inner + weights(layer))] + ends(layer)


def head(layer, type):
    return [("name", layer.name)] + ([("type", type)] if type else []) + ends(layer)


def ends(layer):
    return [("bottom", name) for name in layer.bottoms] + [("top", name) for name in layer.tops]


def weights(layer):
    return [("blobs", np.asarray(array)) for array in layer.blobs]


# The wire format. A message is a list of pieces (bytes and arrays), so that nothing large is copied.


def varint(value):
    """A varint; a negative number takes ten bytes."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def length_delimited(number, pieces):
    size = sum(memoryview(piece).nbytes for piece in pieces)
    return [tag(number, LENGTH), varint(size), *pieces]


def message(kind, fields, style):
    """The pieces of a message."""
    encoded = []
    for name, value in pairs(fields):
        number, field_kind = MESSAGES[kind][name]
        encoded.append((number, field_pieces(number, field_kind, value, style)))
    return laid_out(encoded, style)


def laid_out(encoded, style):
    """Puts encoded fields into the order of the style. Entries of one field keep their order."""
    if style.unknown:
        encoded += [(number, [tag(number, wire), payload]) for number, wire, payload in UNKNOWN]
    if style.reversed:
        encoded.sort(key=lambda entry: -entry[0])
    return [piece for _, pieces in encoded for piece in pieces]


def field_pieces(number, kind, value, style):
    if kind == "BlobProto":
        return length_delimited(number, blob(value, style))
    if isinstance(kind, dict):
        return [tag(number, VARINT), varint(kind[value])]
    if kind in ("int", "bool"):
        return [tag(number, VARINT), varint(int(value))]
    if kind == "float":
        return [tag(number, FIXED32), struct.pack("<f", value)]
    if kind == "string":
        return length_delimited(number, [value.encode()])
    return length_delimited(number, message(kind, value, style))


def pairs(fields):
    """(field, value) of a message that is written as a dict or a list; a list of scalars is a repeated field."""
    for name, value in fields.items() if isinstance(fields, dict) else fields:
        repeated = isinstance(value, list) and not (value and isinstance(value[0], tuple))
        yield from ((name, v) for v in value) if repeated else [(name, value)]


def blob(array, style):
    """The pieces of a BlobProto."""
    dims = np.asarray(array).shape
    array = np.ascontiguousarray(array, "<f8" if style.double else "<f4").reshape(-1)
    encoded = list(dims_pieces(dims, style))
    encoded += [(8 if style.double else 5, [piece]) for piece in data_pieces(array, style)]
    return laid_out(encoded, style)


def dims_pieces(dims, style):
    if style.dims == "shape":
        packed = b"".join(varint(size) for size in dims)
        yield 7, length_delimited(7, length_delimited(1, [packed]))
        return
    legacy = [1] * (4 - len(dims)) + list(dims)
    for number, size in enumerate(legacy, start=1):
        yield number, [tag(number, VARINT), varint(size)]


def data_pieces(array, style):
    number = 8 if style.double else 5
    if style.packing == "unpacked":
        yield unpacked(number, array)
        return
    cuts = [0, len(array)] if style.packing == "packed" else [0, len(array) // 3, len(array) * 2 // 3, len(array)]
    for i, (start, end) in enumerate(zip(cuts, cuts[1:])):
        if i == 1:
            yield unpacked(number, array[start:end])
        else:
            yield from length_delimited(number, [array[start:end]])


def unpacked(number, array):
    """Numbers one by one, each after its tag."""
    wire = FIXED64 if array.dtype.itemsize == 8 else FIXED32
    record = np.zeros(len(array), np.dtype([("tag", "u1"), ("value", array.dtype)]))
    record["tag"], record["value"] = number << 3 | wire, array
    return record.tobytes()


# The text format.


def text(kind, fields, indent=""):
    """A message as text. Blobs are left out."""
    lines = []
    for name, value in pairs(fields):
        field_kind = MESSAGES[kind][name][1]
        if field_kind == "BlobProto":
            continue
        if not isinstance(field_kind, dict) and field_kind in MESSAGES:
            lines.append(f"{indent}{name} {{\n{text(field_kind, value, indent + '  ')}{indent}}}\n")
        else:
            lines.append(f"{indent}{name}: {scalar(field_kind, value)}\n")
    return "".join(lines)


def scalar(kind, value):
    if isinstance(kind, dict):
        return value
    if kind == "string":
        return f'"{value}"'
    return str(value).lower() if kind == "bool" else repr(value)
