"""The same training steps in PyTorch, for a comparison on one machine in one run.

    pip install torch
    python bench/pytorch.py [--device cuda] [--mode MODE] [--precision f32|tf32|bf16] [--threads 2] [--large | --quick]

The mode graph captures the whole step as one CUDA graph, eager does nothing, the others are torch.compile's. Prints JSON: milliseconds of a
training step, the best of ten rounds; GFLOP/s of products and convolutions. On CUDA as PyTorch is fastest: channels last, cuDNN's benchmark,
fused optimizers; in f32 without TF32, with it wherever PyTorch has it, or under autocast to
bf16. All that there is so far is printed after each workload, in a line, so
that who is cut off has measured something. `npm run bench` runs it where PYTORCH_PYTHON names a Python that has
PyTorch, bench/gpu/measure.mjs on a GPU.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import zoo_models


class Cnn(nn.Module):
    """bench/cnn.tlspec."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(64 * 6 * 6, 128), nn.Linear(128, 10)

    def forward(self, image):
        x = F.max_pool2d(F.relu(self.conv1(image)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Tagger(nn.Module):
    """The network of measureLstm in bench/workloads.ts."""

    def __init__(self, hidden):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(10, hidden), nn.LSTM(hidden, hidden, 2, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, tokens):
        return self.fc(self.rnn(self.embedding(tokens))[0])


DTYPES = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}
PRECISION = "f32"

COMPILED = ["default", "reduce-overhead", "max-autotune"]


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mode", default="eager", choices=["eager", "graph", *COMPILED])
    parser.add_argument("--precision", default="f32", choices=["f32", "tf32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--large", action="store_true", help="what keeps a GPU busy too")
    parser.add_argument("--quick", action="store_true", help="one short workload, to try it out")
    return parser.parse_args()


def synchronize():
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def best(run, rounds, repeats):
    """Seconds of one `run`: the best round's mean."""
    for _ in range(3):
        run()
    times = []
    for _ in range(rounds):
        synchronize()
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        synchronize()
        times.append((time.perf_counter() - start) / repeats)
    return min(times)


def captured(step):
    """The step as one CUDA graph, as PyTorch's documentation says to."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def training(model, make_optimizer, inputs, labels, mode):
    on_gpu = inputs.is_cuda
    if on_gpu and inputs.dim() == 4:
        model, inputs = model.to(memory_format=torch.channels_last), inputs.to(memory_format=torch.channels_last)
    if mode in COMPILED:
        model.compile(mode=mode)
    options = {"fused": True} if on_gpu else {}
    if on_gpu and make_optimizer is torch.optim.Adam:
        options["capturable"] = True
    rate = {"lr": 1e-3} if make_optimizer is torch.optim.Adam else {"lr": 0.01, "momentum": 0.9 if isinstance(model, zoo_models.ResNet) else 0}
    optimizer = make_optimizer(model.parameters(), **rate, **options)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with autocast(inputs.device.type):
            loss = F.cross_entropy(model(inputs).flatten(0, -2).float(), labels.flatten())
        loss.backward()
        optimizer.step()

    return captured(step) if mode == "graph" else step


def autocast(device):
    """What PRECISION asks of a training step; casts of weights are made anew in each, as CUDA graphs want."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=PRECISION == "bf16", cache_enabled=False)


def lstm(mode, hidden, steps, batch=32):
    tokens, labels = torch.randint(0, 10, (batch, steps)), torch.randint(0, 2, (batch, steps))
    return training(Tagger(hidden), torch.optim.Adam, tokens, labels, mode)


def cnn(mode, batch):
    images, labels = torch.rand(batch, 3, 24, 24), torch.randint(0, 10, (batch,))
    return training(Cnn(), torch.optim.SGD, images, labels, mode)


def resnet(mode, batch):
    images, labels = torch.rand(batch, 3, 224, 224), torch.randint(0, 1000, (batch,))
    return training(zoo_models.ResNet(zoo_models.Basic, [2, 2, 2, 2]), torch.optim.SGD, images, labels, mode)


def rate(mode, run, flops, repeats):
    """GFLOP/s of what `run` computes."""
    run = torch.compile(run, mode=mode) if mode in COMPILED else run
    with torch.no_grad():
        return flops / best(run, 10, repeats) / 1e9


def matmul(mode, repeats, m, n=None, k=None):
    n, k = n or m, k or m
    x, y, bias = (it.to(DTYPES[PRECISION]) for it in (torch.rand(m, k), torch.rand(k, n), torch.rand(n)))
    return rate(mode, lambda: torch.addmm(bias, x, y), 2 * m * n * k, repeats)


def conv(mode, repeats, channels, size, batch=64):
    layout = torch.channels_last if torch.cuda.is_available() else torch.contiguous_format
    dtype = DTYPES[PRECISION]
    x = torch.rand(batch, channels, size, size, dtype=dtype).to(memory_format=layout)
    w, bias = torch.rand(channels, channels, 3, 3, dtype=dtype).to(memory_format=layout), torch.rand(channels, dtype=dtype)
    return rate(mode, lambda: F.relu(F.conv2d(x, w, bias, padding=1)), 2 * batch * (channels * size * 3) ** 2, repeats)


def main():
    global PRECISION
    options = parse()
    PRECISION = options.precision
    mode, repeats = options.mode, 4 if options.device == "cpu" else 50
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = options.precision != "f32"
    result = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": options.device,
        "mode": mode,
        "precision": options.precision,
        "threads": options.threads,
    }
    few = max(1, repeats // 10)
    workloads = {
        "cnn64": lambda: 1e3 * best(cnn(mode, 64), 10, repeats),
        "lstm50": lambda: 1e3 * best(lstm(mode, 50, 60), 10, repeats),
        "lstm512": lambda: 1e3 * best(lstm(mode, 512, 100), 4, few),
        "matmul1024": lambda: matmul(mode, repeats, 1024),
    }
    if options.large:
        workloads |= {
            "cnn32": lambda: 1e3 * best(cnn(mode, 32), 10, repeats),
            "cnn256": lambda: 1e3 * best(cnn(mode, 256), 10, repeats),
            "cnn512": lambda: 1e3 * best(cnn(mode, 512), 10, repeats),
            "resnet64": lambda: 1e3 * best(resnet(mode, 64), 10, few),
            "matmul4096": lambda: matmul(mode, repeats, 4096),
            "matmulQkv": lambda: matmul(mode, repeats, 4096, 2304, 768),
            "matmulUp": lambda: matmul(mode, repeats, 4096, 3072, 768),
            "matmulDown": lambda: matmul(mode, repeats, 4096, 768, 3072),
            "conv64": lambda: conv(mode, repeats, 64, 56),
            "conv128": lambda: conv(mode, repeats, 128, 28),
            "conv256": lambda: conv(mode, repeats, 256, 14),
            "conv512": lambda: conv(mode, repeats, 512, 7),
        }
    if options.quick:
        workloads = {"cnn64": lambda: 1e3 * best(cnn(mode, 64), 1, 1)}
    for name, measure in workloads.items():
        # One that this PyTorch cannot do must not take the others along.
        try:
            result[name] = measure()
        except Exception as error:
            result[name] = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        print(json.dumps(result), flush=True)


main()
