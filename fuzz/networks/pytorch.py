"""Training steps of PyTorch, as cases on stdin ask for them: the other half of `npm run fuzz -- networks`.

A line of JSON has `module`, the text of a class Net; `given`, a safetensors file with weight/NAME and batch/NAME; `loss`, an expression of
output and label; `optimizer`, an expression of parameters; `factors`, what each step's rate is multiplied by; `frozen`, names of modules;
and `out`, where `OUT.32` and `OUT.64` go: the steps in float32 and in float64. The answer is a line with `ok` or `error`.
"""

import json
import sys
import traceback

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)


def steps(case, dtype):
    scope = {"torch": torch, "nn": nn, "F": F}
    exec(case["module"], scope)
    given = load_file(case["given"])
    net = scope["Net"]()
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
        optimizer.step()
        losses.append(loss.item())
    out["loss"] = torch.tensor(losses, dtype=dtype)
    out |= {f"after/{k}": cast(v) for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    return out


for line in sys.stdin:
    case = json.loads(line)
    try:
        save_file(steps(case, torch.float32), case["out"] + ".32")
        save_file(steps(case, torch.float64), case["out"] + ".64")
        answer = {"ok": True}
    except Exception:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
