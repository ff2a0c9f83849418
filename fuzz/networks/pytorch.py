"""Training steps of PyTorch, as cases on stdin ask for them: the other half of `npm run fuzz -- networks`.

A line of JSON has `module`, the text of a class Net; `given`, a safetensors file with weight/NAME and batch/NAME; `loss`, an expression of
output and label; `optimizer`, an expression of parameters; `factors`, what each step's rate is multiplied by; `frozen`, names of modules;
and `out`, the file for what the steps make in float64. The answer is a line with `error`, or with `noise`: for each tensor how far float32
is from that (root mean square), at its worst of four runs whose numbers differ by what float32 rounds away, those of gradients too: one that is
zero because its terms cancel is a zero in one order of summing and not in another, and Adam divides it by its size.
"""

import json
import sys
import traceback

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)


def steps(case, dtype, seed=0):
    scope = {"torch": torch, "nn": nn, "F": F}
    exec(case["module"], scope)
    given = load_file(case["given"])
    random = torch.Generator().manual_seed(seed)
    off = 2.0**-23 if seed else 0.0
    noise = lambda t: 1 + off * (2 * torch.rand(t.shape, generator=random, dtype=torch.float64) - 1)
    given = {k: v.double() * noise(v) if v.is_floating_point() else v for k, v in given.items()}
    net = scope["Net"]().double()
    weights = {k.removeprefix("weight/"): v for k, v in given.items() if k.startswith("weight/")}
    missing, unexpected = net.load_state_dict(weights, strict=False)
    if unexpected or any(not k.endswith("num_batches_tracked") for k in missing):
        raise ValueError(f"missing {missing}, unexpected {unexpected}")
    net = net.to(dtype).train()
    for name in case["frozen"]:
        module = net.get_submodule(name)
        module.eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)
    batch = {k.removeprefix("batch/"): v for k, v in given.items() if k.startswith("batch/")}
    batch = {k: v.to(dtype) if v.is_floating_point() else v.long() for k, v in batch.items()}
    label = batch.pop("label")
    parameters = [p for p in net.parameters() if p.requires_grad]
    optimizer = eval(case["optimizer"], scope, {"parameters": parameters})
    rate = optimizer.param_groups[0]["lr"]
    out, losses = {}, []
    cast = lambda t: t.detach().clone().to(dtype).contiguous()
    for step, factor in enumerate(case["factors"]):
        optimizer.param_groups[0]["lr"] = rate * factor
        output = net(**batch)
        loss = eval(case["loss"], scope, {"output": output, "label": label})
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out["output"] = cast(output)
            out |= {f"grad/{k}": cast(p.grad) for k, p in net.named_parameters() if p.grad is not None}
        for p in (p for p in parameters if p.grad is not None):
            shift = off / 2 * (2 * torch.rand(p.grad.shape, generator=random, dtype=torch.float64) - 1)
            p.grad += (p.grad.abs().max() * shift).to(dtype)
        optimizer.step()
        losses.append(loss.item())
    out["loss"] = torch.tensor(losses, dtype=dtype)
    out |= {f"after/{k}": cast(v) for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    return out


def distance(x, y):
    return (x.double() - y).square().mean().sqrt().item()


for line in sys.stdin:
    case = json.loads(line)
    try:
        exact = steps(case, torch.float64)
        save_file(exact, case["out"])
        runs = [steps(case, torch.float32, seed) for seed in range(4)]
        answer = {"noise": {name: max(distance(run[name], value) for run in runs) for name, value in exact.items()}}
    except Exception:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer).replace("NaN", "null").replace("Infinity", "null"), flush=True)
