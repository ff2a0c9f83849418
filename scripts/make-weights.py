"""Files of weights as PyTorch writes them, for test/runtime/weights/: small, in every form that torch.save has.

    python3 scripts/make-weights.py            writes test/fixtures/weights/

What they hold is said in their names and in `values`: element i of a tensor is (i - 3) / 4, which every dtype here has exactly.
"""

import collections
import pathlib
import pickle

import numpy
import torch

FOLDER = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "weights"


def values(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return ((torch.arange(count, dtype=torch.float64) - 3) / 4).reshape(shape).to(dtype)


def save(name, what, **options):
    torch.save(what, FOLDER / name, **options)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    plain = collections.OrderedDict([("fc.weight", values(2, 3)), ("fc.bias", values(2))])
    legacy = {"_use_new_zipfile_serialization": False}
    save("zip.pth", plain)
    save("legacy.pth", plain, **legacy)
    save("protocol4.pth", plain, pickle_protocol=4)
    floats = {str(d).removeprefix("torch."): values(2, 4, dtype=d) for d in (torch.float64, torch.float16, torch.bfloat16)}
    whole = torch.tensor([-3, 0, 7])
    floats |= {str(d).removeprefix("torch."): whole.abs().to(d) for d in (torch.uint8, torch.uint16, torch.bool)}
    floats |= {str(d).removeprefix("torch."): whole.to(d) for d in (torch.int8, torch.int16, torch.int32, torch.int64)}
    save("dtypes.pth", floats)
    base = values(4, 6)
    views = {
        "whole": base,
        "rows": base[1:3],
        "transposed": base.t(),
        "columns": base[:, ::2],
        "last": base[3, 5],
        "none": base[:0],
        "channels_last": values(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
    }
    save("views.pth", views)
    save("views-legacy.pth", views, **legacy)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.copy_(values(*tensor.shape).to(tensor.dtype))
    optimizer = torch.optim.Adam(module.parameters())
    checkpoint = {
        "epoch": 7,
        "best": 91.5,
        "note": "a \u2603",
        "numpy": numpy.float64(0.25),
        "state_dict": collections.OrderedDict(("module." + k, v) for k, v in module.state_dict().items()),
        "optimizer": optimizer.state_dict(),
        "device": torch.device("cpu"),
        "shape": torch.Size([2, 3]),
    }
    save("checkpoint.pth", checkpoint)
    save("parameters.pth", {"model": {"deep": {"er": torch.nn.Parameter(values(2, 2))}, "dtype": torch.float32}})
    save("numpy.pth", {"rows": values(2, 3).numpy(), "columns": numpy.asfortranarray(values(2, 3).numpy())})
    save("proto.pth", {"__proto__": {"polluted": values(1)}, "constructor": values(2), "toString": {"length": values(1)}})
    with open(FOLDER / "plain.pickle", "wb") as file:
        pickle.dump({"a": 1}, file, protocol=2)
    torch.jit.script(torch.nn.ReLU()).save(FOLDER / "script.pt")


if __name__ == "__main__":
    main()
