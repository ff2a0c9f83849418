"""The steps of bench/transfer.tlspec in PyTorch, for a comparison on one machine in one run: milliseconds of a step, as JSON.

    python bench/pytorch_transfer.py [--threads 2]

What is frozen has `requires_grad` off and is in evaluation, as people write it; a head alone runs its backbone under `no_grad`.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1] / "scripts"))
from zoo_models import Basic, CifarResNet, ResNet  # noqa: E402

HALF = ("conv1.", "bn1.", "layer1.", "layer2.0.", "layer2.1.conv1.", "layer2.1.bn1.")


def step_of(model, batch, size, is_frozen=lambda name: False):
    for name, module in model.named_modules():
        if name and is_frozen(f"{name}."):
            module.requires_grad_(False).eval()
    images, labels = torch.rand(batch, 3, size, size), torch.randint(0, 10, (batch,))
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, 1e-2, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def best(run, rounds=8, repeats=2):
    run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        times.append((time.perf_counter() - start) / repeats)
    return 1e3 * min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(0)
    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "full": best(step_of(CifarResNet(3), 64, 32)),
                "half": best(step_of(CifarResNet(3), 64, 32, lambda name: name.startswith(HALF))),
                "head": best(step_of(CifarResNet(3), 64, 32, lambda name: not name.startswith("linear."))),
                "resnet18": best(step_of(ResNet(Basic, [2, 2, 2, 2], classes=10), 16, 64)),
            }
        )
    )


main()
