"""Makes the traces of test/fixtures/traces with PyTorch: what `tlc trace` must compute for the spec of the same name.

    python3 scripts/make-traces.py        # needs torch, timm, safetensors

CASE.in.safetensors has the initial weights (`weight/NAME`, and `teacher/NAME` of a network that it learns from) and one batch (`batch/INPUT`, `batch/label`, or `batch/OUTPUT` where outputs have names); CASE.out.safetensors has
`loss` [steps], `output` and `grad/NAME` of the first step, of outputs with names `loss/OUTPUT` and `output/OUTPUT` as well, and `after/NAME`, every parameter and running statistic after the last, with `average/NAME` of what is averaged.
The networks are those of the specs, written again; names are those of `state_dict`.
"""

import json
import pathlib
import zlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR, ReduceLROnPlateau, SequentialLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from timm.optim import Lamb, Lars, Lion

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/traces"
STEPS = 3


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.gn = nn.Conv2d(8, 12, (3, 2), stride=2, padding=1, groups=4), nn.GroupNorm(3, 12)
        self.fc = nn.Linear(12 * 3 * 4, 5)

    def forward(self, image):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(image))), 2)
        x = F.silu(self.gn(self.conv2(x)))
        return self.fc(F.avg_pool2d(x, 2, stride=1, padding=1).flatten(1))


class Residual(nn.Module):
    def __init__(self, planes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(planes, planes, 3, padding=1, bias=False), nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=2, dilation=2, bias=False)
        self.bn2 = nn.BatchNorm2d(planes, eps=1e-3, momentum=0.3)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + x)


class ResidualNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6))
        self.layer, self.fc = Residual(6), nn.Linear(6, 3)
        # Frozen layers have seen data: statistics and scale of their own.
        with torch.no_grad():
            for tensor in (self.stem[1].running_mean, self.stem[1].bias):
                tensor.uniform_(-0.5, 0.5)
            for tensor in (self.stem[1].running_var, self.stem[1].weight):
                tensor.uniform_(0.5, 1.5)
        for parameter in self.stem.parameters():
            parameter.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.stem.eval()
        return self

    def forward(self, image):
        return torch.tanh(self.fc(self.layer(F.relu(self.stem(image))).mean((2, 3))))


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.rnn = nn.LSTM(6, 5, 2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(10, 4)

    def forward(self, tokens):
        return self.fc(self.rnn(self.embedding(tokens))[0])


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.norm1 = nn.Linear(7, 10), nn.LayerNorm(10)
        self.fc2, self.norm2 = nn.Linear(10, 10, bias=False), nn.LayerNorm(10, eps=1e-3, elementwise_affine=False)
        self.fc3, self.bn = nn.Linear(10, 10, bias=False), nn.BatchNorm1d(10, affine=False)
        self.fc4 = nn.Linear(10, 4)

    def forward(self, features):
        x = F.gelu(self.norm1(self.fc1(features)))
        return self.fc4(self.bn(self.fc3(torch.sigmoid(self.norm2(self.fc2(x))))))


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.rnn, self.fc = nn.Linear(3, 4), nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, values):
        return self.fc(self.rnn(F.softmax(self.gate(values), -1))[0][:, -1])


class Regressor(nn.Module):
    def __init__(self, outputs=2):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(5, 6), nn.Linear(6, outputs)

    def forward(self, values):
        return self.fc2(torch.tanh(self.fc1(values)))


# As the specs have them. RAdam divides by the second moment from the sixth step on.
OPTIMIZERS = {
    "nadam": (3, lambda p: torch.optim.NAdam(p, betas=(0.8, 0.95), weight_decay=0.1, momentum_decay=0.5)),
    "radam": (8, lambda p: torch.optim.RAdam(p, lr=0.02, weight_decay=0.1, decoupled_weight_decay=True)),
    "rmsprop": (3, lambda p: torch.optim.RMSprop(p, alpha=0.9, weight_decay=0.1, momentum=0.6, centered=True)),
    "adagrad": (3, lambda p: torch.optim.Adagrad(p, lr=0.05, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=0.01)),
    "adadelta": (3, lambda p: torch.optim.Adadelta(p, rho=0.8, weight_decay=0.1)),
    "lamb": (3, lambda p: Lamb(p, lr=0.05, max_grad_norm=0.2)),
    "lars": (3, lambda p: Lars(p, lr=0.5, momentum=0.8, dampening=0.3, weight_decay=0.1, trust_coeff=0.1)),
    "lion": (3, lambda p: Lion(p, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)),
}


# As the specs have them, with as many outputs.
LOSSES = {
    "focal": (3, lambda output, label: ((1 - F.softmax(output, 1)) ** 1.5 * -F.log_softmax(output, 1)).gather(1, label.long()[:, None]).mean()),
    "hinge": (3, lambda output, label: F.multi_margin_loss(output, label.long(), p=2, margin=0.7)),
    "huber": (2, lambda output, label: F.huber_loss(output, label, delta=0.6)),
    "smooth-l1": (2, lambda output, label: F.smooth_l1_loss(output, label, beta=0.4)),
}


class LoraLinear(nn.Linear):
    """As PEFT's lora.Linear, under the names that its files have."""

    def __init__(self, inputs, outputs, rank, scale):
        super().__init__(inputs, outputs)
        self.lora_A, self.lora_B, self.scale = nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=False), scale

    def forward(self, x):
        return super().forward(x) + self.lora_B(self.lora_A(x)) * self.scale


class LoraEmbedding(nn.Embedding):
    def __init__(self, count, features, rank, scale):
        super().__init__(count, features)
        self.lora_embedding_A, self.lora_embedding_B = nn.Parameter(torch.randn(rank, count)), nn.Parameter(torch.randn(features, rank))
        self.scale = scale

    def forward(self, x):
        return super().forward(x) + (F.embedding(x, self.lora_embedding_A.T) @ self.lora_embedding_B.T) * self.scale


def lora_conv(base):
    """The first map has no groups, and the second all of them."""

    class LoraConv(base):
        def __init__(self, inputs, outputs, kernel, rank, scale, groups=1, **moves):
            super().__init__(inputs, outputs, kernel, groups=groups, **moves)
            self.lora_A = base(inputs, rank, kernel, bias=False, **moves)
            self.lora_B, self.scale = base(rank, outputs, 1, groups=groups, bias=False), scale

        def forward(self, x):
            return super().forward(x) + self.lora_B(self.lora_A(x)) * self.scale

    return LoraConv


class AdaptedText(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = LoraEmbedding(11, 6, 2, 3.0)
        self.conv = lora_conv(nn.Conv1d)(6, 8, 3, 2, 3.0, groups=2, stride=2, padding=1)
        self.fc, self.head = LoraLinear(8, 5, 2, 3.0), nn.Linear(5, 3)

    def forward(self, tokens):
        x = torch.tanh(self.conv(self.embedding(tokens).transpose(1, 2)))
        return self.head(torch.tanh(self.fc(x.mean(2))))


class AdaptedImage(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2 = lora_conv(nn.Conv2d)(4, 6, (3, 2), 3, 4 / 3, stride=2, padding=1)
        self.fc = LoraLinear(6, 3, 1, 8.0)
        with torch.no_grad():
            self.bn1.running_mean.uniform_(-0.5, 0.5), self.bn1.running_var.uniform_(0.5, 1.5)

    def train(self, mode=True):
        super().train(mode)
        self.bn1.eval()
        return self

    def forward(self, image):
        x = torch.relu(self.conv2(torch.relu(self.bn1(self.conv1(image)))))
        return self.fc(x.mean((2, 3)))


def adapters():
    """Only adapters are trained, and a head that is new."""
    labels = lambda *shape, below: torch.randint(0, below, shape, dtype=torch.int32)
    for name, net, batch, optimizer in [
        ("text", AdaptedText, lambda: {"tokens": labels(4, 7, below=11), "label": labels(4, below=3)}, lambda p: torch.optim.AdamW(p, lr=0.02, eps=1e-3)),
        ("image", AdaptedImage, lambda: {"image": torch.randn(4, 2, 7, 6), "label": labels(4, below=3)}, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, weight_decay=0.1)),
    ]:
        torch.manual_seed(zlib.crc32(f"adapted-{name}".encode()))
        net = net()
        for parameter_name, parameter in net.named_parameters():
            parameter.requires_grad_("lora_" in parameter_name or parameter_name.startswith("head"))
        trained = [p for p in net.parameters() if p.requires_grad]
        trace(f"adapted-{name}", net, batch(), optimizer(trained), cross_entropy())


# As the specs of test/runtime/paused-memories.test.ts have them.
PAUSED = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.9), weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.8, dampening=0.4, weight_decay=0.05),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.02),
}


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.big, self.bn, self.fc = nn.Linear(5, 9), nn.BatchNorm1d(9), nn.Linear(9, 3)
        with torch.no_grad():
            self.bn.running_mean.uniform_(-0.5, 0.5), self.bn.running_var.uniform_(0.5, 1.5)

    def forward(self, values):
        return 3 * self.fc(torch.tanh(self.bn(self.big(values))))


# As the specs have them: temperature, share of the teacher, and weights of the classes.
DISTILLED = {"plain": (4.0, 0.9, None), "warm": (1.5, 0.4, None)}


def distilled():
    """Hinton, Vinyals & Dean 2015."""
    for name, (temperature, weight, classes) in DISTILLED.items():
        torch.manual_seed(zlib.crc32(f"distilled-{name}".encode()))
        net, teacher = Regressor(3), Teacher().eval()
        values, label = torch.randn(6, 5), torch.randint(0, 3, (6,), dtype=torch.int32)
        taught = F.log_softmax(teacher(values).detach() / temperature, 1)

        def loss(output, label):
            soft = F.kl_div(F.log_softmax(output / temperature, 1), taught, reduction="batchmean", log_target=True)
            return (1 - weight) * F.cross_entropy(output, label.long(), classes) + weight * temperature**2 * soft

        sgd = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.5)
        trace(f"distilled-{name}", net, {"values": values, "label": label}, sgd, loss, teacher=teacher)


def nt_xent(output, temperature):
    """Chen et al. 2020, equation 1: rows 2i and 2i + 1 are views of one example."""
    units = F.normalize(output)
    scores = (units @ units.T / temperature).masked_fill(torch.eye(len(output), dtype=torch.bool), -torch.inf)
    return F.cross_entropy(scores, torch.arange(len(output)) ^ 1)


def triplets(output, margin, hardest):
    """Each view beside the other of its example, and each view of another example, or the nearest of them."""
    losses = []
    for i in range(len(output)):
        others = [j for j in range(len(output)) if j // 2 != i // 2]
        if hardest:
            others = [min(others, key=lambda j: F.pairwise_distance(output[i], output[j]).item())]
        losses += [F.triplet_margin_loss(output[i : i + 1], output[i ^ 1][None], output[j][None], margin=margin) for j in others]
    return torch.stack(losses).mean()


class Embedder(Regressor):
    """Bounded in the end: distances alone would leave the last bias without a gradient."""

    def forward(self, values):
        return torch.tanh(super().forward(values))


# As the specs have them.
VIEWS = {
    "contrastive": lambda output: nt_xent(output, 0.5),
    "contrastive-cold": lambda output: nt_xent(output, 0.1),
    "triplet": lambda output: triplets(output, 1.5, False),
    "triplet-hardest": lambda output: triplets(output, 2.0, True),
}


def views():
    """Losses that compare the rows of a batch with each other, without labels."""
    for name, loss in VIEWS.items():
        torch.manual_seed(zlib.crc32(name.encode()))
        net = Embedder(3)
        sgd = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.5)
        trace(f"views-{name}", net, {"values": torch.randn(8, 5)}, sgd, lambda output, _: loss(output))


PLATEAUS = [
    ("min", dict()),
    ("min", dict(factor=0.5, patience=2, threshold=0.05)),
    ("max", dict(factor=0.3, patience=0, threshold=0.1, cooldown=2)),
    ("max", dict(factor=0.5, patience=1, threshold=0.0, min_lr=0.02)),
]


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.up, self.conv2 = nn.ConvTranspose2d(6, 5, 2, stride=2), nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, image):
        x = self.up(F.max_pool2d(F.relu(self.bn1(self.conv1(image))), 2))
        return self.conv2(torch.cat([x, image], 1))


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 5, 3, padding=1)

    def forward(self, values):
        return self.conv(values)


# Scores [classes, ...] and labels for every place, of which some stand for none: as PyTorch has them, and with no mean over examples in between.
PIXEL_LABELS = {
    "plain": (Segmenter, (4, 6), 255, {}),
    "smooth": (Segmenter, (4, 6), 255, {"label_smoothing": 0.2}),
    "weighted": (Segmenter, (4, 6), 0, {"weight": torch.tensor([1, 0.5, 2, 3])}),
    "steps": (Steps, (7,), -100, {}),
}


def dice_loss(background=True, cross_entropy=0, ignored=None, smooth=1e-5):
    """monai.losses.DiceLoss(softmax=True, to_onehot_y=True), and DiceCELoss; of pictures with ignored pixels, each counts by those that are not."""

    def loss(output, label):
        label = label.long()
        counts = torch.ones_like(label, dtype=torch.bool) if ignored is None else label != ignored
        known = label.where(counts, 0)
        weight = counts[:, None].float()
        answered = F.softmax(output, 1) * weight
        labelled = F.one_hot(known, output.shape[1]).movedim(-1, 1) * weight
        if not background:
            answered, labelled = answered[:, 1:], labelled[:, 1:]
        common = (answered * labelled).sum((2, 3))
        dice = 1 - (2 * common + smooth) / (answered.sum((2, 3)) + labelled.sum((2, 3)) + smooth)
        share = counts.sum((1, 2)) / counts.sum()
        beside = F.cross_entropy(output, label if ignored is None else label.where(counts, -100))
        return (dice.mean(1) * share).sum() + cross_entropy * beside

    return loss


DICE = {"plain": {}, "foreground": {"background": False, "smooth": 1}, "mixed": {"cross_entropy": 0.5, "ignored": 255}}


def pixel_labels():
    for name, options in DICE.items():
        torch.manual_seed(zlib.crc32(f"dice {name}".encode()))
        net = Segmenter()
        label = torch.randint(0, 4, (3, 4, 6), dtype=torch.int32)
        label[1] = label[1].clamp(max=1)  # a picture without some of the classes
        if "ignored" in options:
            label[torch.rand(label.shape) < 0.3] = options["ignored"]
            label[2, 1:] = options["ignored"]
        sgd = torch.optim.SGD(net.parameters(), lr=0.3)
        trace(f"pixels-dice-{name}", net, {"image": torch.randn(3, 3, 4, 6), "label": label}, sgd, dice_loss(**options))
    for name, (network, extents, ignored, options) in PIXEL_LABELS.items():
        torch.manual_seed(zlib.crc32(name.encode()))
        net = network()
        label = torch.randint(0, 4, (3, *extents), dtype=torch.int32)
        label[torch.rand(label.shape) < 0.3] = ignored
        # The mean is over what counts, wherever it is.
        label[1, 1:] = ignored
        inputs = {"values" if network is Steps else "image": torch.randn(3, 3, *extents)}
        loss = lambda output, label: F.cross_entropy(output, label.long(), ignore_index=ignored, **options)
        trace(f"pixels-{name}", net, inputs | {"label": label}, torch.optim.SGD(net.parameters(), lr=0.3), loss)


def plateaus():
    """Rates behind each epoch of ReduceLROnPlateau, for what the epochs reported."""
    torch.manual_seed(17)
    cases = []
    for mode, args in PLATEAUS:
        sgd = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        schedule = ReduceLROnPlateau(sgd, mode=mode, **args)
        values = (torch.rand(40, dtype=torch.float64) + torch.linspace(1, 0.3, 40, dtype=torch.float64)).tolist()
        rates = []
        for value in values:
            schedule.step(value)
            rates.append(sgd.param_groups[0]["lr"])
        cases.append({"better": "lower" if mode == "min" else "higher", "args": args, "values": values, "rates": rates})
    (FOLDER.parent / "plateaus.json").write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


def paused():
    """Three stages of one optimizer, of which the second leaves the first layer alone: whole batches, and the weights after each stage."""
    for name, optimizer in PAUSED.items():
        torch.manual_seed(zlib.crc32(f"paused-{name}".encode()))
        net = Regressor()
        state = lambda: {k: v.detach().clone() for k, v in net.state_dict().items()}
        values, label = torch.randn(4, 5), torch.randn(4, 2)
        out = {f"weight/{k}": v for k, v in state().items()} | {"batch/values": values, "batch/label": label}
        optimizer = optimizer(net.parameters())
        for stage, steps in enumerate([3, 4, 2]):
            net.fc1.requires_grad_(stage != 1)
            for _ in range(steps):
                # None, as of what has no gradient.
                optimizer.zero_grad()
                F.mse_loss(net(values), label).backward()
                optimizer.step()
            out |= {f"after/{stage}/{k}": v for k, v in state().items()}
        save_file(out, FOLDER.parent / f"paused-{name}.safetensors")


def grouped(net, lr=0.3, decay=0.0, **other):
    """A group for every parameter, with what `other` says of those whose names it ends."""
    of = lambda name: next((group for end, group in other.items() if name.replace(".", "_").endswith(end)), {})
    groups = [{"params": [p], **of(name)} for name, p in net.named_parameters()]
    return dict(optimizer=torch.optim.SGD(groups, lr=lr, momentum=0.8, weight_decay=decay))


def clipped(net, clip):
    return dict(optimizer=torch.optim.SGD(net.parameters(), lr=0.5, weight_decay=0.1), before=lambda: clip(net.parameters()))


def penalized(net, penalty):
    """@param penalty of a weight, and of what it was at the start"""
    start = {name: p.detach().clone() for name, p in net.named_parameters()}
    value = lambda: sum(penalty(name, p, start[name]) for name, p in net.named_parameters())
    return dict(optimizer=torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.5), penalty=value)


def scheduled(net, schedule, steps):
    sgd = torch.optim.SGD(net.parameters(), lr=0.3)
    return dict(optimizer=sgd, after=schedule(sgd).step, steps=steps)


def cycled(net, optimizer, **cycle):
    return dict(optimizer=optimizer, after=OneCycleLR(optimizer, total_steps=8, **cycle).step, steps=8)


def warming(sgd):
    """Up from 0 over three steps, then half a cosine over four."""
    rise = LambdaLR(sgd, lambda step: step / 3)
    return SequentialLR(sgd, [rise, CosineAnnealingLR(sgd, T_max=4)], milestones=[3])


def averaged(net, decay):
    model = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(decay))
    sgd = torch.optim.SGD(net.parameters(), lr=0.3)
    return dict(optimizer=sgd, after=lambda: model.update_parameters(net), steps=5, average=model.module)


# What stands between a gradient and a new weight, as the specs have it: an optimizer, what is done before its step (to gradients) and
# after it, and what is added to the loss that is differentiated.
UPDATES = {
    "clip-norm": lambda net: clipped(net, lambda p: nn.utils.clip_grad_norm_(p, 0.2)),
    "rates": lambda net: grouped(net, fc1_weight={"lr": 0.03}, fc1_bias={"lr": 0.03}, fc2_bias={"lr": 0.7}),
    "rate-per-layer": lambda net: grouped(net, fc1_weight={"lr": 0.3 * 0.4}, fc1_bias={"lr": 0.3 * 0.4}),
    "decay-except": lambda net: grouped(net, decay=0.2, bias={"weight_decay": 0}),
    "decays": lambda net: grouped(net, fc1_weight={"weight_decay": 0.4}, fc2_weight={"weight_decay": 0.1}),
    "l1": lambda net: penalized(net, lambda name, p, start: 0.1 * p.abs().sum()),
    "l2": lambda net: penalized(net, lambda name, p, start: (0.2 / 2 * p.square().sum()) * (not name.endswith("bias"))),
    "l2-sp": lambda net: penalized(
        net, lambda name, p, start: 0.4 / 2 * (p - start).square().sum() if "fc1" in name else 0.1 / 2 * p.square().sum()
    ),
    "one-cycle-momentum": lambda net: cycled(net, torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.5, dampening=0.2), max_lr=0.3),
    "one-cycle-nesterov": lambda net: cycled(net, torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.5, nesterov=True), max_lr=0.3, three_phase=True),
    "one-cycle-adamw": lambda net: cycled(net, torch.optim.AdamW(net.parameters(), lr=0.05, eps=1e-3), max_lr=0.05, anneal_strategy="linear"),
    "one-cycle-nadam": lambda net: cycled(net, torch.optim.NAdam(net.parameters(), lr=0.05, eps=1e-3), max_lr=0.05, base_momentum=0.5),
    "one-cycle-rmsprop": lambda net: cycled(net, torch.optim.RMSprop(net.parameters(), lr=0.05), max_lr=0.05),
    "one-cycle": lambda net: scheduled(net, lambda sgd: OneCycleLR(sgd, max_lr=0.3, total_steps=8, cycle_momentum=False), 8),
    "warmup": lambda net: scheduled(net, warming, 7),
    "ema": lambda net: averaged(net, 0.7),
    "clip-value": lambda net: clipped(net, lambda p: nn.utils.clip_grad_value_(p, 0.05)),
}


def cross_entropy(smoothing=0.0):
    return lambda output, label: F.cross_entropy(
        output.reshape(-1, output.shape[-1]), label.long().reshape(-1), label_smoothing=smoothing
    )


def trace(name, model, batch, optimizer, loss_of, steps=STEPS, penalty=lambda: 0, before=lambda: None, after=lambda: None, average=None, teacher=None):
    model.train()
    cast = lambda t: t.detach().clone().to(torch.float32 if t.is_floating_point() else torch.int32).contiguous()
    state = lambda: {k: cast(v) for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    given = {f"weight/{k}": v for k, v in state().items()} | {f"batch/{k}": v.contiguous() for k, v in batch.items()}
    given |= {f"teacher/{k}": cast(v) for k, v in teacher.state_dict().items() if not k.endswith("num_batches_tracked")} if teacher else {}
    save_file(given, FOLDER / f"{name}.in.safetensors")
    inputs = {k: v.long() if v.dtype == torch.int32 else v for k, v in batch.items() if k != "label"}
    out, losses = {}, []
    for step in range(steps):
        output = model(**inputs)
        loss = loss_of(output, batch.get("label"))
        optimizer.zero_grad()
        (loss + penalty()).backward()
        if step == 0:
            out["output"] = cast(output)
            out |= {f"grad/{k}": cast(p.grad) for k, p in model.named_parameters() if p.grad is not None}
        before()
        optimizer.step()
        after()
        losses.append(loss.item())
    out |= {f"average/{k}": cast(p) for k, p in average.named_parameters()} if average else {}
    out |= {"loss": torch.tensor(losses)} | {f"after/{k}": v for k, v in state().items()}
    save_file(out, FOLDER / f"{name}.out.safetensors")
    print(f"{name:16} loss {' '.join(f'{loss:.6f}' for loss in losses)}")


def main():
    torch.manual_seed(8)
    torch.use_deterministic_algorithms(True)
    labels = lambda *shape, below: torch.randint(0, below, shape, dtype=torch.int32)

    net = Cnn()
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.02)
    trace("cnn-sgd", net, {"image": torch.randn(6, 3, 9, 8), "label": labels(6, below=5)}, sgd, cross_entropy(0.1))

    net = ResidualNet()
    trained = [p for p in net.parameters() if p.requires_grad]
    sgd = torch.optim.SGD(trained, lr=0.1, momentum=0.8, dampening=0.3, weight_decay=0.01)
    trace("residual-sgd", net, {"image": torch.randn(5, 2, 6, 6), "label": torch.rand(5, 3)}, sgd, F.mse_loss)

    net = Tagger()
    adam = torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.8, 0.95), weight_decay=0.01)
    trace("tagger-adam", net, {"tokens": labels(3, 7, below=11), "label": labels(3, 7, below=4)}, adam, cross_entropy())

    net = Mlp()
    adamw = torch.optim.AdamW(net.parameters(), lr=5e-3, betas=(0.7, 0.9), eps=1e-6, weight_decay=0.2)
    trace("features-adamw", net, {"features": torch.randn(9, 7), "label": labels(9, below=4)}, adamw, cross_entropy())

    net = Reader()
    sgd = torch.optim.SGD(net.parameters(), lr=0.3)
    trace("reader-sgd", net, {"values": torch.randn(4, 6, 3), "label": labels(4, below=3)}, sgd, cross_entropy())

    for name, (steps, optimizer) in OPTIMIZERS.items():
        net = Regressor()
        batch = {"values": torch.randn(4, 5), "label": torch.randn(4, 2)}
        trace(f"regressor-{name}", net, batch, optimizer(net.parameters()), F.mse_loss, steps)

    for name, (outputs, loss) in LOSSES.items():
        net = Regressor(outputs)
        label = labels(4, below=3) if outputs == 3 else torch.randn(4, 2)
        sgd = torch.optim.SGD(net.parameters(), lr=0.3)
        trace(f"regressor-{name}", net, {"values": torch.randn(4, 5), "label": label}, sgd, loss)

    for name, update in UPDATES.items():
        # A seed of its own: no case depends on those before it.
        torch.manual_seed(zlib.crc32(name.encode()))
        net = Regressor()
        batch = {"values": torch.randn(4, 5), "label": torch.randn(4, 2)}
        trace(f"update-{name}", net, batch, loss_of=F.mse_loss, **({"steps": STEPS} | update(net)))

    weighted_losses(labels)
    adapters()
    paused()
    plateaus()
    distilled()
    views()
    several_outputs(labels)
    pixel_labels()


class Dog(nn.Module):
    """Outputs by their names."""

    def __init__(self):
        super().__init__()
        self.hidden, self.fc_breed, self.fc_age = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 2)

    def forward(self, values):
        x = torch.tanh(self.hidden(values))
        return {"breed": self.fc_breed(x), "age": self.fc_age(x)}


# Of `breed` and `age`: what the loss of each is, and what it is multiplied by.
TASKS = {
    "plain": {"breed": (1, lambda y, label: F.cross_entropy(y, label.long(), label_smoothing=0.1)), "age": (0.5, F.mse_loss)},
    # A mean of labels that weigh differently beside a mean of those that do not.
    "weighted": {
        "breed": (0.25, lambda y, label: F.cross_entropy(y, label.long(), torch.tensor([0.5, 2, 3]))),
        "age": (1.5, F.smooth_l1_loss),
    },
}


def several_outputs(labels):
    torch.manual_seed(23)
    for name, tasks in TASKS.items():
        net, values = Dog(), torch.randn(7, 4)
        given = {"breed": labels(7, below=3), "age": torch.randn(7, 2)}
        state = lambda: {k: v.detach().clone() for k, v in net.state_dict().items()}
        save_file({f"weight/{k}": v for k, v in state().items()} | {"batch/values": values} | {f"batch/{k}": v for k, v in given.items()}, FOLDER / f"outputs-{name}.in.safetensors")
        adam = torch.optim.Adam(net.parameters(), lr=0.02)
        out, losses = {}, {key: [] for key in ("loss", *(f"loss/{task}" for task in tasks))}
        for step in range(STEPS):
            answers = net(values)
            parts = {task: loss(answers[task], given[task]) for task, (_, loss) in tasks.items()}
            total = sum(weight * parts[task] for task, (weight, _) in tasks.items())
            adam.zero_grad()
            total.backward()
            if step == 0:
                out |= {f"output/{task}": answer.detach().clone() for task, answer in answers.items()}
                out |= {f"grad/{k}": p.grad.clone() for k, p in net.named_parameters()}
            adam.step()
            for key, value in {"loss": total, **{f"loss/{task}": part for task, part in parts.items()}}.items():
                losses[key].append(value.item())
        out |= {key: torch.tensor(values) for key, values in losses.items()} | {f"after/{k}": v for k, v in state().items()}
        save_file(out, FOLDER / f"outputs-{name}.out.safetensors")
        print(f"outputs-{name:8} loss {' '.join(f'{loss:.6f}' for loss in losses['loss'])}")


# As the specs have them: outputs, labels, loss.
WEIGHTED_LOSSES = {
    "weighted": (3, "class", lambda output, label: F.cross_entropy(output, label.long(), torch.tensor([0.5, 2, 3]))),
    "weighted-smooth": (3, "class", lambda output, label: F.cross_entropy(output, label.long(), torch.tensor([0.5, 2, 0]), label_smoothing=0.3)),
    "binary": (1, "set", F.binary_cross_entropy_with_logits),
    "kl": (3, "shares", lambda output, label: F.kl_div(F.log_softmax(output, 1), label, reduction="batchmean")),
    "cosine": (3, "numbers", lambda output, label: F.cosine_embedding_loss(output, label, torch.ones(len(label)))),
    "multilabel": (3, "set", lambda output, label: F.binary_cross_entropy_with_logits(output, label, pos_weight=torch.tensor([0.5, 1, 4]))),
}


def weighted_losses(labels):
    torch.manual_seed(11)
    for name, (outputs, kind, loss) in WEIGHTED_LOSSES.items():
        net = Regressor(outputs)
        label = {
            "class": lambda: labels(6, below=3),
            "set": lambda: labels(6, outputs, below=2).float(),
            # One class has no share.
            "shares": lambda: torch.cat([F.softmax(torch.randn(6, 2), 1), torch.zeros(6, 1)], 1),
            "numbers": lambda: torch.randn(6, outputs),
        }[kind]()
        trace(f"regressor-{name}", net, {"values": torch.randn(6, 5), "label": label}, torch.optim.SGD(net.parameters(), lr=0.3), loss)


if __name__ == "__main__":
    main()
