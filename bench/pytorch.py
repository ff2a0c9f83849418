"""The same training steps in PyTorch (eager, on the processor), for a comparison on one machine in one run.

    pip install torch
    python bench/pytorch.py [threads]

Prints JSON: milliseconds of a training step, the best of ten rounds; GFLOP/s of the matrix product. `npm run bench` runs it where
PYTORCH_PYTHON names a Python that has PyTorch.
"""

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
    """The network of measureLstm in bench/wasm.ts."""

    def __init__(self, hidden):
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(10, hidden), nn.LSTM(hidden, hidden, 2, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, tokens):
        return self.fc(self.rnn(self.embedding(tokens))[0])


def best(run, rounds, repeats):
    """Seconds of one `run`: the best round's mean."""
    run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        times.append((time.perf_counter() - start) / repeats)
    return min(times)


def training(model, optimizer, inputs, labels):
    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs).flatten(0, -2), labels.flatten())
        loss.backward()
        optimizer.step()

    return step


def lstm(hidden, steps, batch=32):
    model = Tagger(hidden)
    tokens, labels = torch.randint(0, 10, (batch, steps)), torch.randint(0, 2, (batch, steps))
    return training(model, torch.optim.Adam(model.parameters(), 1e-3), tokens, labels)


def cnn(batch=64):
    model = Cnn()
    images, labels = torch.rand(batch, 3, 24, 24), torch.randint(0, 10, (batch,))
    return training(model, torch.optim.SGD(model.parameters(), 0.01), images, labels)


def main():
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x, y = torch.rand(1024, 1024), torch.rand(1024, 1024)
    result = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": threads,
        "cnn": 1e3 * best(cnn(), 10, 4),
        "lstm50": 1e3 * best(lstm(50, 60), 10, 4),
        "lstm512": 1e3 * best(lstm(512, 100), 4, 1),
        "matmul": 2 * 1024**3 / best(lambda: x @ y, 10, 4) / 1e9,
    }
    print(json.dumps(result))


main()
