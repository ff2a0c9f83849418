"""The same training steps in PyTorch, for a comparison on one machine in one run.

    pip install torch
    python bench/pytorch.py [--device cuda] [--mode eager|default|reduce-overhead] [--threads 2] [--large]

A mode other than eager is torch.compile's. Prints JSON: milliseconds of a training step, the best of ten rounds; GFLOP/s of the matrix
products. In float32, with PyTorch's own defaults: on CUDA its convolutions and LSTMs may use TF32, its products do not. `npm run bench`
runs it where PYTORCH_PYTHON names a Python that has PyTorch, bench/gpu/measure.mjs on a GPU.
"""

import argparse
import json
import platform
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


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


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--mode", default="eager", choices=["eager", "default", "reduce-overhead"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--large", action="store_true", help="what keeps a GPU busy too")
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


def training(model, optimizer, inputs, labels, mode):
    if mode != "eager":
        model.compile(mode=mode)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs).flatten(0, -2), labels.flatten())
        loss.backward()
        optimizer.step()

    return step


def lstm(mode, hidden, steps, batch=32):
    model = Tagger(hidden)
    tokens, labels = torch.randint(0, 10, (batch, steps)), torch.randint(0, 2, (batch, steps))
    return training(model, torch.optim.Adam(model.parameters(), 1e-3), tokens, labels, mode)


def cnn(mode, batch):
    model = Cnn()
    images, labels = torch.rand(batch, 3, 24, 24), torch.randint(0, 10, (batch,))
    return training(model, torch.optim.SGD(model.parameters(), 0.01), images, labels, mode)


def matmul(size, repeats):
    x, y = torch.rand(size, size), torch.rand(size, size)
    return 2 * size**3 / best(lambda: x @ y, 10, repeats) / 1e9


def main():
    options = parse()
    mode, repeats = options.mode, 4 if options.device == "cpu" else 50
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device)
    torch.manual_seed(0)
    result = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": options.device,
        "mode": mode,
        "threads": options.threads,
        "cnn64": 1e3 * best(cnn(mode, 64), 10, repeats),
        "lstm50": 1e3 * best(lstm(mode, 50, 60), 10, repeats),
        "lstm512": 1e3 * best(lstm(mode, 512, 100), 4, max(1, repeats // 10)),
        "matmul1024": matmul(1024, repeats),
    }
    if options.large:
        result["cnn512"] = 1e3 * best(cnn(mode, 512), 10, repeats)
        result["matmul4096"] = matmul(4096, repeats)
    print(json.dumps(result))


main()
