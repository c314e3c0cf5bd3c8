"""Writes the state dicts that tests/state_dicts reads.

Needs torch, numpy and safetensors; made with torch 2.9.1. Numbers follow
`ramp`, so that the tests compute them. Only the storage keys of the older
form, which are addresses, differ from one run to the next.
"""

import collections
import pathlib
import struct
import zipfile

import safetensors.torch
import torch

HERE = pathlib.Path(__file__).parent


def ramp(*shape, start=0, dtype=torch.float32):
    """start, start + 1/4, start + 1/2, ...: exact in every type."""
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) / 4 + start).to(dtype).reshape(shape)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 2, 2)
        self.bn1 = torch.nn.BatchNorm2d(2)
        self.fc = torch.nn.Linear(4, 3)


def net():
    """A module whose tensors are ramps from 0, 1, 2, ... on."""
    module = Net()
    floats = [t for t in module.state_dict().values() if t.is_floating_point()]
    for start, tensor in enumerate(floats):
        tensor.copy_(ramp(*tensor.shape, start=start))
    return module


def save(name, value, **options):
    torch.save(value, HERE / name, **options)


def both_forms(name, value):
    save(f"{name}.pt", value)
    save(f"{name}_stream.pt", value, _use_new_zipfile_serialization=False)


def torch_files():
    both_forms("net", net().state_dict())
    save("net_protocol5.pt", net().state_dict(), pickle_protocol=5)
    both_forms("types", {
        "f16": ramp(3, dtype=torch.float16),
        "bf16": ramp(3, dtype=torch.bfloat16),
        "f32": ramp(3),
        "f64": ramp(3, dtype=torch.float64),
        "scalar": ramp(),
        "empty": ramp(0, 4),
        "bool": torch.tensor([True, False]),
        "u8": torch.arange(3, dtype=torch.uint8),
        "i8": torch.arange(3, dtype=torch.int8),
        "i16": torch.arange(3, dtype=torch.int16),
        "i32": torch.arange(3, dtype=torch.int32),
        "i64": torch.arange(3),
    })
    both_forms("checkpoint", {
        "epoch": 3,
        "accuracy": 0.5,
        "name": "checkpoint",
        "history": [1.0, 2.0, None],
        "shape": torch.Size([2, 3]),
        "best": True,
        "state_dict": net().state_dict(),
        "optimizer": {"state": {0: {"momentum": ramp(3)}}, "lr": 1e-3, "steps": 1 << 40},
    })
    save("nested.pt", {"generator": {"fc": {"weight": ramp(2, 2)}}, "bias": ramp(2)})
    save("parameters.pt", {"weight": torch.nn.Parameter(ramp(2, 2))})
    whole = ramp(2, 3)
    both_forms("shared", {"whole": whole, "row": whole[1], "last": whole[1, 2]})
    both_forms("transposed", {"weight": ramp(2, 3).T})
    save("module.pt", net())
    save("tensor.pt", ramp(3))


def altered(name, change, compression=zipfile.ZIP_STORED):
    """net.pt with other records."""
    with zipfile.ZipFile(HERE / "net.pt") as source:
        records = {entry.filename: source.read(entry) for entry in source.infolist()}
    change(records)
    with zipfile.ZipFile(HERE / name, "w", compression) as archive:
        for path, data in records.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = compression
            with archive.open(info, "w", force_zip64=True) as record:
                record.write(data)


def zip_files():
    altered("zip64.pt", lambda records: None)
    altered("big_endian.pt", lambda records: records.update({"net/byteorder": b"big"}))
    bomb = lambda records: records.update({"net/data/0": bytes(1 << 20)})
    altered("compressed.pt", bomb, zipfile.ZIP_DEFLATED)
    run = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
    altered("os_system.pt", lambda records: records.update({"net/data.pkl": run}))


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number, value):
    """A field of a protobuf message: a varint or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def initializer(name, data_type, dims, data):
    """A TensorProto."""
    shape = b"".join(field(1, dim) for dim in dims)
    return shape + field(2, data_type) + field(8, name) + data


def floats(tensor):
    return tensor.reshape(-1).tolist()


def packed(form, tensor):
    return b"".join(struct.pack(form, number) for number in floats(tensor))


def bf16_bytes(tensor):
    return tensor.view(torch.int16).numpy().tobytes()


def onnx_model(*tensors):
    node = field(1, "fc_w_0") + field(2, "fc_1") + field(4, "Identity")
    value = lambda name: field(1, name) + field(2, field(1, field(1, 1) + field(2, b"")))
    graph = field(1, node) + field(2, "net")
    graph += b"".join(field(5, tensor) for tensor in tensors)
    graph += field(12, value("fc_1"))
    return field(1, 4) + field(2, "make_state_dicts") + field(7, graph) + field(8, field(2, 9))


def onnx_files():
    unpacked = b"".join(varint(4 << 3 | 5) + struct.pack("<f", n) for n in floats(ramp(2, start=1)))
    tensors = [
        initializer("conv1_w_0", 1, [2, 3, 2, 2], field(9, packed("<f", ramp(2, 3, 2, 2)))),
        initializer("conv1_b_0", 1, [2], unpacked),
        initializer("fc_w_0", 1, [3, 4], field(4, packed("<f", ramp(3, 4, start=2)))),
        initializer("fc_b_0", 11, [3], field(10, packed("<d", ramp(3, start=3)))),
        initializer("half", 10, [3], field(9, packed("<e", ramp(3)))),
        initializer("brain", 16, [3], field(9, bf16_bytes(ramp(3, dtype=torch.bfloat16)))),
        initializer("OC2_DUMMY_1", 7, [2], field(7, varint(1) + varint(-1))),
    ]
    (HERE / "net.onnx").write_bytes(onnx_model(*tensors))
    location = field(13, field(1, "location") + field(2, "weights.bin"))
    external = initializer("conv1_w_0", 1, [2], location + field(14, 1))
    (HERE / "external.onnx").write_bytes(onnx_model(external))


def safetensors_files():
    state = collections.OrderedDict(
        conv1_weight=ramp(2, 3, 2, 2),
        conv1_bias=ramp(2, start=1),
        half=ramp(3, dtype=torch.float16),
        brain=ramp(3, dtype=torch.bfloat16),
        double=ramp(3, dtype=torch.float64),
        steps=torch.arange(3),
    )
    safetensors.torch.save_file(state, HERE / "net.safetensors", {"format": "pt"})


if __name__ == "__main__":
    torch_files()
    zip_files()
    onnx_files()
    safetensors_files()
