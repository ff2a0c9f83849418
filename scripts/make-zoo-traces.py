"""Makes test/fixtures/zoo with PyTorch: names and shapes of every network of specs/zoo, and what small ones compute.

    python3 scripts/make-zoo-traces.py              # needs torch, numpy, safetensors
    python3 scripts/make-zoo-traces.py resnet18     # prints its names and shapes

networks.json has for each network: the number of its weights and tensors, a hash of all names and shapes, and the small network of the trace, of its
family, with the name that its pictures are made of: the first ones with which PyTorch's own f32 finds the gradients whichever way it rounds (`is_steady`); of a
network on texts their number of tokens and of words.
traces.safetensors has of that `NAME/output`, `NAME/loss` and, for all gradients in the order of their names, `NAME/norms` and
`NAME/samples`: up to 16 elements of each, equally far apart. Weights, pictures and texts are not stored: `numbers` makes them of their names,
here and in test/runtime/zoo-trace-suite.ts. Computed in float64.
"""

import hashlib
import json
import math
import pathlib
import re
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import zoo_models as zoo

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/zoo"
BATCH, CLASSES, SAMPLES = 4, 5, 16
# Of a text, and of its vocabulary.
TOKENS, WORDS = 6, 50
# Of the pictures of a trace: tries, other roundings, and the error of a gradient that none may reach, which is what tests allow. Rounding alone is
# half of it in the deepest network; beyond a kink it is a hundred times as much.
PICTURES, ROUNDINGS, STEADY = 24, 8, 1e-4

basic, deep = zoo.Basic, zoo.Bottleneck
NETWORKS = {}


def network(file, name, make, arguments, size, **small):
    """`make` with `small` arguments is the network `name(arguments)` at `size` pixels, or of another name where that is in `small`."""
    of = small.pop("of", name)
    NETWORKS[name] = (file, make, of, arguments, size, small)


def residual(name, unit, depths, arguments="width: 4", size=64, small={"width": 4}, **more):
    network("resnet", name, lambda **kw: zoo.ResNet(unit, depths, **{**more, **kw}), arguments, size, **small)


for depth, count in [(20, 3), (32, 5), (44, 7), (56, 9), (110, 18)]:
    network("cifar_resnet", f"resnet{depth}", lambda count=count, **kw: zoo.CifarResNet(count, **kw), "width: 4", 16, width=4)
residual("resnet18", basic, [2, 2, 2, 2])
residual("resnet34", basic, [3, 4, 6, 3])
residual("resnet50", deep, [3, 4, 6, 3])
residual("resnet101", deep, [3, 4, 23, 3])
residual("resnet152", deep, [3, 8, 36, 3])
residual("wide_resnet50_2", deep, [3, 4, 6, 3], base=128)
residual("wide_resnet101_2", deep, [3, 4, 23, 3], base=128)
GROUPED = {"arguments": "width: 8, groups: 4, base: 16", "small": {"width": 8, "groups": 4, "base": 16}}
residual("resnext50_32x4d", deep, [3, 4, 6, 3], groups=32, base=4, **GROUPED)
residual("resnext101_32x8d", deep, [3, 4, 23, 3], groups=32, base=8, **GROUPED)
for depth, depths in [(11, [1, 1, 2, 2, 2]), (13, [2, 2, 2, 2, 2]), (16, [2, 2, 3, 3, 3]), (19, [2, 2, 4, 4, 4])]:
    for suffix, normalized in [("", False), ("_bn", True)]:
        make = lambda depths=depths, normalized=normalized, **kw: zoo.Vgg(depths, normalized, **kw)
        network("vgg", f"vgg{depth}{suffix}", make, "width: 4, hidden: 16, drop: 0", 64, width=4, hidden=16)
for depth, growth, depths, width in [(121, 32, [6, 12, 24, 16], 64), (161, 48, [6, 12, 36, 24], 96), (169, 32, [6, 12, 32, 32], 64), (201, 32, [6, 12, 48, 32], 64)]:
    make = lambda growth=growth, depths=depths, width=width, **kw: zoo.DenseNet(**{"growth": growth, "depths": depths, "width": width, **kw})
    if depth == 121:
        # The one that slow devices compute, with layers of each kind and no more: 121 make hundreds of kernels that differ in a number of channels.
        network("densenet", "densenet121", make, "growth: 3, depths: [2, 3, 2, 2], width: 6", 64, of="densenet", growth=3, depths=[2, 3, 2, 2], width=6)
        continue
    # At 64 the gradients of the deepest one are off by 5e-5 in PyTorch's own f32.
    network("densenet", f"densenet{depth}", make, "growth: 3, width: 6", 80 if depth == 161 else 64, growth=3, width=6)
network("mobilenet", "mobilenet_v2", zoo.MobileNetV2, "width: 0.25, drop: 0", 72, width=0.25)
network("mobilenet", "mobilenet_v3_large", lambda **kw: zoo.MobileNetV3("large", **kw), "width: 0.125, hidden: 24, drop: 0", 128, width=0.125, hidden=24)
network("mobilenet", "mobilenet_v3_small", lambda **kw: zoo.MobileNetV3("small", **kw), "width: 0.125, hidden: 24, drop: 0", 64, width=0.125, hidden=24)
network("efficientnet", "efficientnet_b0", zoo.EfficientNet, "width: 0.125, drop: 0, drop_paths: 0", 64, width=0.125)
network("convnext", "convnext_tiny", lambda **kw: zoo.ConvNext([3, 3, 9, 3], **kw), "width: 4, drop_paths: 0", 64, width=4)
network("squeezenet", "squeezenet1_0", lambda **kw: zoo.SqueezeNet("1_0", **kw), "width: 0.125, drop: 0", 64, width=0.125)
network("squeezenet", "squeezenet1_1", lambda **kw: zoo.SqueezeNet("1_1", **kw), "width: 0.125, drop: 0", 64, width=0.125)
network("unet", "unet", zoo.UNet, "width: 2", 32, width=2)
SIZES = {"hidden": 12, "layers": 2, "heads": 3, "intermediate": 20, "positions": 8}
TEXT = "".join(f", {name}: {value}" for name, value in SIZES.items()) + ", drop: 0, attention_drop: 0"
for name, make in [("bert", zoo.Bert), ("bert_classifier", zoo.BertClassifier)]:
    network("bert", name, make, f"vocab: {WORDS}{TEXT}", TOKENS, vocab=WORDS, **SIZES)


def numbers(name, count):
    """Numbers in [-1, 1) that look random, from a name: a hash of the place, by a seed that is the name's CRC-32."""
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + zlib.crc32(name.encode())) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x045D9F3B) & 0xFFFFFFFF
    x ^= x >> 16
    return x.astype(np.float64) / 2**31 - 1


def begin(name, shape):
    """What a tensor of the network begins with, in f32."""
    u = numbers(name, math.prod(shape))
    if name.endswith("running_mean"):
        values = 0 * u
    elif name.endswith("running_var"):
        values = 0 * u + 1
    elif name.endswith("layer_scale"):
        values = 0.5 + 0.3 * u
    elif len(shape) > 1:
        values = u * math.sqrt(6 / math.prod(shape[1:]))
    elif name.endswith(("bn3.weight", "conv.2.weight", "conv.3.weight")):
        # Branches that are small beside their shortcuts. With large ones PyTorch's own gradients in f32 are off by a hundredth.
        values = 0.3 + 0.1 * u
    elif re.search(r"(conv\.[01]|features\.18)\.1\.bias$", name):
        # Before relu6, whose two kinks are 6 apart.
        values = 3 + 2 * u
    else:
        values = (1 + 0.5 * u) if name.endswith("weight") else u
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def tensors_of(net):
    return {k: tuple(v.shape) for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def lines(net):
    return [f"{name} {'x'.join(map(str, shape))}" for name, shape in sorted(tensors_of(net).items())]


def published(make):
    with torch.device("meta"):
        net = make()
    text = "".join(f"{line}\n" for line in lines(net))
    weights = sum(p.numel() for p in net.parameters())
    return {"weights": weights, "tensors": len(tensors_of(net)), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def loss_of(output, is_picture):
    if not is_picture:
        return F.cross_entropy(output, torch.arange(BATCH) % CLASSES)
    label = torch.from_numpy(numbers("label", output.numel()).astype(np.float32)).reshape(output.shape)
    return F.mse_loss(output, label.to(output.dtype))


def gradients(net, loss):
    """By name, in the order of the names."""
    loss.backward()
    return {key: p.grad.flatten() for key, p in sorted(net.named_parameters())}


def step(net, begins, image, is_picture):
    """Output, loss and gradients by name of a training step with such weights, in the type of `image`."""
    net.load_state_dict(begins, strict=False)
    net.to(image.dtype).train()
    net.zero_grad()
    output = net(image)
    loss = loss_of(output, is_picture)
    return output, loss, gradients(net, loss)


def is_steady(net, begins, image, is_picture, exact):
    """
    Whether f32 finds these gradients however it rounds: with each number moved at random by up to the last place, as other orders of sums move what
    comes of them. Where a pre-activation is nearer to the kink of a relu, or two values to each other in a pool's window, than they are known in f32,
    it falls on either side, and in the last blocks of a batch of four that is a hundredth of a gradient.
    """
    largest = max(grad.norm() for grad in exact.values())
    for seed in range(ROUNDINGS):
        generator = torch.Generator().manual_seed(seed)
        moved = lambda t: t * (1 + (2 * torch.rand(t.shape, generator=generator) - 1) * 2**-23)
        _, _, found = step(net, {key: moved(t) for key, t in begins.items()}, moved(image), is_picture)
        for key, grad in exact.items():
            # A bias in front of a normalization has no gradient but for rounding.
            if grad.norm() > 1e-9 * largest and (found[key].double() - grad).norm() > STEADY * grad.norm():
                return False
    return True


def trace(name, make, size, is_picture):
    """The trace's tensors, and the name that its pictures are made of."""
    begins = {key: begin(key, shape) for key, shape in tensors_of(make()).items()}
    for picture in ["image", *(f"image {i}" for i in range(1, PICTURES))]:
        image = begin_image(picture, size)
        output, loss, grads = step(make(), begins, image.double(), is_picture)
        if is_steady(make(), begins, image, is_picture, grads):
            break
    else:
        raise RuntimeError(f"{name}: no pictures of {PICTURES} whose gradients f32 finds")
    return picture, answers(name, output, loss, grads)


def answers(name, output, loss, grads):
    samples = [grad[:: math.ceil(grad.numel() / SAMPLES)] for grad in grads.values()]
    f32 = lambda t: t.detach().to(torch.float32).contiguous()
    return {
        f"{name}/output": f32(output),
        f"{name}/loss": f32(loss.reshape(1)),
        f"{name}/norms": f32(torch.stack([grad.norm() for grad in grads.values()])),
        f"{name}/samples": f32(torch.cat(samples)),
    }


def texts():
    """Words, of which each text has one less than the text before it, in two parts."""
    words = torch.from_numpy((numbers("words", BATCH * TOKENS) + 1) / 2 * WORDS).long().reshape(BATCH, TOKENS)
    place = torch.arange(TOKENS).expand(BATCH, -1)
    return words, (place < TOKENS - torch.arange(BATCH)[:, None]).long(), (place >= TOKENS // 2).long()


def trace_texts(name, make):
    net = make()
    net.load_state_dict({key: begin(key, shape) for key, shape in tensors_of(net).items()})
    output = net.double()(*texts())
    loss = loss_of(output, False)
    return answers(name, output, loss, gradients(net, loss))


def begin_image(name, size):
    return torch.from_numpy(numbers(name, BATCH * 3 * size * size).astype(np.float32)).reshape(BATCH, 3, size, size)


def main():
    if len(sys.argv) > 1:
        with torch.device("meta"):
            print("\n".join(lines(NETWORKS[sys.argv[1]][1]())))
        return
    torch.use_deterministic_algorithms(True, warn_only=True)
    out, networks = {}, {}
    for name, (file, make, of, arguments, size, small) in NETWORKS.items():
        is_picture, is_text = file == "unet", file == "bert"
        classes = {} if name in ("unet", "bert") else {"classes": CLASSES}
        given = [f"classes: {CLASSES}"] * len(classes) + ([] if is_text else [f"size: {size}"]) + [arguments]
        small_one = lambda: make(**classes, **small)
        networks[name] = {"file": file, **published(make), "small": f"{of}({', '.join(given)})", "size": size}
        if is_text:
            made, tensors = "words", trace_texts(name, small_one)
            networks[name]["words"] = WORDS
        else:
            made, tensors = trace(name, small_one, size, is_picture)
            networks[name]["picture"] = made
        out |= tensors
        print(f"{name:20} {networks[name]['weights']:12,} weights, loss {out[f'{name}/loss'].item():.6f} of {made}", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file(out, FOLDER / "traces.safetensors")
    (FOLDER / "networks.json").write_text("{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in networks.items()) + "\n}\n")
    print((FOLDER / "traces.safetensors").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
