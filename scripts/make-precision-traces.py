"""Training steps in every precision, for test/runtime/precision-suite.ts, into test/fixtures/precision/.

    python3 scripts/make-precision-traces.py

Twice: with products whose operands are rounded and which are summed in f32, as `precision` says, in the forward pass and in both gradients, and, in 16
bits, with what is kept between products rounded as well, and its gradient; and bf16 once more as PyTorch itself does it, torch.autocast, which rounds
results of products and of all that follows them. The recipe of each is beside it.
Needs torch and safetensors. Losses of f16 are scaled by torch.amp.GradScaler, from a scale that the first steps are too much for.
"""

from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "precision"


def round_tf32(x):
    """The nearest number with 10 bits behind the point, ties away from zero, as cvt.rna.tf32 does."""
    return ((x.contiguous().view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


ROUND = {"tf32": round_tf32, "bf16": lambda x: x.bfloat16().float(), "f16": lambda x: x.half().float()}


def rounded(product, to):
    """A bilinear function whose operands are rounded, in its gradients as well."""
    nearest = ROUND[to]

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(nearest(x), nearest(w))
            return product(nearest(x), nearest(w))

        @staticmethod
        def backward(ctx, grad):
            x, w = (it.detach().requires_grad_() for it in ctx.saved_tensors)
            with torch.enable_grad():
                return torch.autograd.grad(product(x, w), (x, w), nearest(grad))

    return Product.apply


def kept(to):
    """What is in memory between two products: of the format, as its gradient is."""
    if to not in ("bf16", "f16"):
        return lambda x: x

    class Kept(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return ROUND[to](x)

        @staticmethod
        def backward(ctx, grad):
            return ROUND[to](grad)

    return Kept.apply


class Net(nn.Module):
    """Convolutions with and without strides and groups, a norm, and dense layers. @param to None: PyTorch's own products"""

    def __init__(self, to):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 12, 3, stride=2, groups=2)
        self.gn = nn.GroupNorm(3, 12)
        self.fc1, self.fc2 = nn.Linear(12 * 3 * 3, 10), nn.Linear(10, 5)
        own = lambda product: rounded(product, to) if to else product
        self.product1 = own(lambda x, w: F.conv2d(x, w, padding=1))
        self.product2 = own(lambda x, w: F.conv2d(x, w, stride=2, groups=2))
        self.dense = own(F.linear)
        self.kept = kept(to)

    def forward(self, image):
        channels = lambda layer: layer.bias[:, None, None]
        x = F.relu(self.kept(self.product1(image, self.conv1.weight) + channels(self.conv1)))
        x = F.relu(self.gn(self.kept(self.product2(x, self.conv2.weight) + channels(self.conv2))))
        x = F.relu(self.kept(self.dense(x.flatten(1), self.fc1.weight) + self.fc1.bias))
        return self.dense(x, self.fc2.weight) + self.fc2.bias


def trace(name, model, batch, optimizer, steps, scaler=None, autocast=False):
    copy = lambda t: t.detach().float().clone().contiguous()
    save_file({f"weight/{k}": copy(v) for k, v in model.state_dict().items()} | {f"batch/{k}": v for k, v in batch.items()}, FOLDER / f"{name}.in.safetensors")
    scaler = scaler or torch.amp.GradScaler("cpu", enabled=False)
    out, losses = {}, []
    for step in range(steps):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            output = model(batch["image"])
            loss = F.cross_entropy(output.float(), batch["label"].long())
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        if step == 0:
            out["output"] = copy(output)
            out |= {f"grad/{k}": copy(p.grad) for k, p in model.named_parameters()}
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    out |= {"loss": torch.tensor(losses)} | {f"after/{k}": copy(v) for k, v in model.state_dict().items()}
    save_file(out, FOLDER / f"{name}.out.safetensors")
    print(f"{name:10} scale {scaler.get_scale():8} loss {' '.join(f'{loss:.6f}' for loss in losses)}")


def main():
    batch = {"image": torch.randn(6, 3, 7, 7, generator=torch.Generator().manual_seed(1)), "label": torch.tensor([0, 3, 1, 4, 2, 2], dtype=torch.int32)}
    for name, to, autocast in (("tf32", "tf32", False), ("bf16", "bf16", False), ("f16", "f16", False), ("autocast", None, True)):
        torch.manual_seed(8)
        model = Net(to)
        adam = torch.optim.Adam(model.parameters(), lr=1e-2)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, backoff_factor=0.125, growth_interval=3) if to == "f16" else None
        trace(name, model, batch, adam, 8 if scaler else 3, scaler, autocast)


main()
