"""The zoo once more, as modules of PyTorch: what scripts/make-zoo-traces.py measures specs/zoo against.

Written from the published structure of torchvision's models (and of akamaster/pytorch_resnet_cifar10,
mateuszbuda/brain-segmentation-pytorch and Hugging Face's BERT), so that `state_dict` has their names and shapes. Nothing is dropped. `width` and the like make
small ones of the same structure.
"""

from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F


def numbered(**parts):
    """Modules under numbers that leave some out: `_0=…, _2=…`."""
    net = nn.Sequential()
    for name, part in parts.items():
        net.add_module(name.removeprefix("_"), part)
    return net


# --- residual networks ---


class Basic(nn.Module):
    expansion = 1

    def __init__(self, cin, planes, stride, groups, base):
        super().__init__()
        inner = planes * base // 64 * groups
        self.conv1, self.bn1 = nn.Conv2d(cin, inner, 3, stride, 1, groups=groups, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, planes, 3, 1, 1, groups=groups, bias=False), nn.BatchNorm2d(planes)
        if stride != 1 or cin != planes:
            self.downsample = nn.Sequential(nn.Conv2d(cin, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, cin, planes, stride, groups, base):
        super().__init__()
        inner = int(planes * (base / 64.0)) * groups
        self.conv1, self.bn1 = nn.Conv2d(cin, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=groups, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * planes, 1, bias=False), nn.BatchNorm2d(4 * planes)
        if stride != 1 or cin != 4 * planes:
            self.downsample = nn.Sequential(nn.Conv2d(cin, 4 * planes, 1, stride, bias=False), nn.BatchNorm2d(4 * planes))

    def forward(self, x):
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + shortcut)


class ResNet(nn.Module):
    def __init__(self, unit, depths, classes=1000, width=64, groups=1, base=64):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        cin = width
        for i, depth in enumerate(depths):
            planes, blocks = width * 2**i, []
            for j in range(depth):
                blocks.append(unit(cin, planes, 2 if i > 0 and j == 0 else 1, groups, base))
                cin = planes * unit.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(cin, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


class CifarBlock(nn.Module):
    def __init__(self, cin, planes, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes)
        self.changes, self.added = stride != 1 or cin != planes, (planes - cin) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added)) if self.changes else x))


class CifarResNet(nn.Module):
    def __init__(self, depth, classes=10, width=16):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        cin = width
        for i in range(3):
            planes = width * 2**i
            blocks = [CifarBlock(cin if j == 0 else planes, planes, 2 if i > 0 and j == 0 else 1) for j in range(depth)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
            cin = planes
        self.linear = nn.Linear(cin, classes)

    def forward(self, x):
        return self.linear(self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))


# --- VGG, SqueezeNet, DenseNet ---


class Vgg(nn.Module):
    def __init__(self, depths, normalized=False, classes=1000, width=64, hidden=4096):
        super().__init__()
        layers, cin = [], 3
        for factor, depth in zip([1, 2, 4, 8, 8], depths):
            for _ in range(depth):
                layers.append(nn.Conv2d(cin, width * factor, 3, padding=1))
                layers += [nn.BatchNorm2d(width * factor)] if normalized else []
                layers.append(nn.ReLU())
                cin = width * factor
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(cin * 49, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, classes)
        )

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 7).flatten(1))


class Fire(nn.Module):
    def __init__(self, cin, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(cin, squeezed, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(squeezed, expanded, 1), nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, version, classes=1000, width=1):
        super().__init__()
        w = lambda n: int(n * width)
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
        fires = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
        stem, pools_before = ((96, 7), (3, 7)) if version == "1_0" else ((64, 3), (2, 4))
        layers, cin = [nn.Conv2d(3, w(stem[0]), stem[1], 2), nn.ReLU(), pool()], w(stem[0])
        for i, (squeezed, expanded) in enumerate(fires):
            layers += [pool()] if i in pools_before else []
            layers.append(Fire(cin, w(squeezed), w(expanded)))
            cin = 2 * w(expanded)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Identity(), nn.Conv2d(cin, classes, 1), nn.ReLU())

    def forward(self, x):
        return self.classifier(self.features(x)).mean((2, 3))


class DenseLayer(nn.Module):
    def __init__(self, cin, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(cin), nn.Conv2d(cin, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], 1)


class Transition(nn.Sequential):
    def __init__(self, cin):
        super().__init__()
        self.norm, self.relu = nn.BatchNorm2d(cin), nn.ReLU()
        self.conv, self.pool = nn.Conv2d(cin, cin // 2, 1, bias=False), nn.AvgPool2d(2)


class DenseNet(nn.Module):
    def __init__(self, growth, depths, width, classes=1000):
        super().__init__()
        self.features = nn.Sequential()
        self.features.conv0, self.features.norm0 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.features.relu0, self.features.pool0 = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        cin = width
        for i, depth in enumerate(depths):
            block = nn.Sequential()
            for j in range(depth):
                block.add_module(f"denselayer{j + 1}", DenseLayer(cin, growth))
                cin += growth
            self.features.add_module(f"denseblock{i + 1}", block)
            if i < 3:
                self.features.add_module(f"transition{i + 1}", Transition(cin))
                cin //= 2
        self.features.norm5, self.classifier = nn.BatchNorm2d(cin), nn.Linear(cin, classes)

    def forward(self, x):
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))


# --- mobile networks ---


def divisible(value, by=8):
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


def conv_norm(cin, cout, kernel, stride=1, groups=1, act=None, norm=nn.BatchNorm2d):
    conv = nn.Conv2d(cin, cout, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, norm(cout), *([act()] if act else []))


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        inner = cin * expand
        widen = [conv_norm(cin, inner, 1, act=nn.ReLU6)] if expand != 1 else []
        self.conv = nn.Sequential(
            *widen, conv_norm(inner, inner, 3, stride, inner, nn.ReLU6), nn.Conv2d(inner, cout, 1, bias=False), nn.BatchNorm2d(cout)
        )
        self.adds = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes=1000, width=1.0):
        super().__init__()
        settings = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        cin, last = divisible(32 * width), divisible(1280 * max(1.0, width))
        layers = [conv_norm(3, cin, 3, 2, act=nn.ReLU6)]
        for expand, channels, count, stride in settings:
            for j in range(count):
                layers.append(InvertedResidual(cin, divisible(channels * width), stride if j == 0 else 1, expand))
                cin = divisible(channels * width)
        self.features = nn.Sequential(*layers, conv_norm(cin, last, 1, act=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed, act, gate):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.act, self.gate = act, gate

    def forward(self, x):
        return x * self.gate(self.fc2(self.act(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


NORM_V3 = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)


class BlockV3(nn.Module):
    def __init__(self, cin, kernel, inner, cout, squeeze, act, stride):
        super().__init__()
        layers = [conv_norm(cin, inner, 1, act=act, norm=NORM_V3)] if inner != cin else []
        layers.append(conv_norm(inner, inner, kernel, stride, inner, act, NORM_V3))
        layers += [SqueezeExcite(inner, divisible(inner // 4), F.relu, F.hardsigmoid)] if squeeze else []
        self.block = nn.Sequential(*layers, conv_norm(inner, cout, 1, norm=NORM_V3))
        self.adds = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.block(x) if self.adds else self.block(x)


V3 = {
    "large": (1280, """3 16 16 0 RE 1, 3 64 24 0 RE 2, 3 72 24 0 RE 1, 5 72 40 1 RE 2, 5 120 40 1 RE 1, 5 120 40 1 RE 1, 3 240 80 0 HS 2,
        3 200 80 0 HS 1, 3 184 80 0 HS 1, 3 184 80 0 HS 1, 3 480 112 1 HS 1, 3 672 112 1 HS 1, 5 672 160 1 HS 2, 5 960 160 1 HS 1, 5 960 160 1 HS 1"""),
    "small": (1024, """3 16 16 1 RE 2, 3 72 24 0 RE 2, 3 88 24 0 RE 1, 5 96 40 1 HS 2, 5 240 40 1 HS 1, 5 240 40 1 HS 1, 5 120 48 1 HS 1,
        5 144 48 1 HS 1, 5 288 96 1 HS 2, 5 576 96 1 HS 1, 5 576 96 1 HS 1"""),
}


class MobileNetV3(nn.Module):
    def __init__(self, kind, classes=1000, width=1, hidden=None):
        super().__init__()
        published, text = V3[kind]
        w = lambda n: int(int(n) * width)
        cin = w(16)
        layers = [conv_norm(3, cin, 3, 2, act=nn.Hardswish, norm=NORM_V3)]
        for kernel, inner, cout, squeeze, act, stride in (row.split() for row in text.split(",")):
            layers.append(BlockV3(cin, int(kernel), w(inner), w(cout), squeeze == "1", nn.ReLU if act == "RE" else nn.Hardswish, int(stride)))
            cin = w(cout)
        self.features = nn.Sequential(*layers, conv_norm(cin, 6 * cin, 1, act=nn.Hardswish, norm=NORM_V3))
        hidden = hidden or published
        self.classifier = nn.Sequential(nn.Linear(6 * cin, hidden), nn.Hardswish(), nn.Identity(), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class MBConv(nn.Module):
    def __init__(self, cin, cout, expand, kernel, stride):
        super().__init__()
        inner = cin * expand
        layers = [conv_norm(cin, inner, 1, act=nn.SiLU)] if expand != 1 else []
        layers += [conv_norm(inner, inner, kernel, stride, inner, nn.SiLU), SqueezeExcite(inner, max(1, cin // 4), F.silu, torch.sigmoid)]
        self.block = nn.Sequential(*layers, conv_norm(inner, cout, 1))
        self.adds = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.block(x) if self.adds else self.block(x)


class EfficientNet(nn.Module):
    def __init__(self, classes=1000, width=1):
        super().__init__()
        w = lambda n: int(n * width)
        settings = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]
        cin = w(32)
        stages = [conv_norm(3, cin, 3, 2, act=nn.SiLU)]
        for expand, kernel, stride, channels, count in settings:
            blocks = []
            for j in range(count):
                blocks.append(MBConv(cin, w(channels), expand, kernel, stride if j == 0 else 1))
                cin = w(channels)
            stages.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*stages, conv_norm(cin, 4 * cin, 1, act=nn.SiLU))
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(4 * cin, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


# --- ConvNeXt, U-Net ---


class PixelNorm(nn.LayerNorm):
    def __init__(self, channels):
        super().__init__(channels, eps=1e-6)

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, *axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.permute(self.axes)


class ConvNextBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * 1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim), Permute(0, 2, 3, 1), nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, 4 * dim),
            nn.GELU(), nn.Linear(4 * dim, dim), Permute(0, 3, 1, 2),
        )

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class ConvNext(nn.Module):
    def __init__(self, depths, classes=1000, width=96):
        super().__init__()
        layers = [nn.Sequential(nn.Conv2d(3, width, 4, 4), PixelNorm(width))]
        for i, depth in enumerate(depths):
            dim = width * 2**i
            layers += [nn.Sequential(PixelNorm(dim // 2), nn.Conv2d(dim // 2, dim, 2, 2))] if i > 0 else []
            layers.append(nn.Sequential(*(ConvNextBlock(dim) for _ in range(depth))))
        self.features = nn.Sequential(*layers)
        self.classifier = numbered(_0=PixelNorm(8 * width), _1=nn.Flatten(), _2=nn.Linear(8 * width, classes))

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1))


class UNet(nn.Module):
    def __init__(self, classes=1, channels=3, width=32):
        super().__init__()
        cin, levels = channels, [1, 2, 4, 8]
        for i, factor in enumerate(levels):
            setattr(self, f"encoder{i + 1}", self.twice(cin, width * factor, f"enc{i + 1}"))
            cin = width * factor
        self.bottleneck = self.twice(cin, 16 * width, "bottleneck")
        for i, factor in reversed(list(enumerate(levels))):
            setattr(self, f"upconv{i + 1}", nn.ConvTranspose2d(2 * factor * width, factor * width, 2, 2))
            setattr(self, f"decoder{i + 1}", self.twice(2 * factor * width, factor * width, f"dec{i + 1}"))
        self.conv = nn.Conv2d(width, classes, 1)

    @staticmethod
    def twice(cin, cout, name):
        net = nn.Sequential()
        for i in (1, 2):
            net.add_module(f"{name}conv{i}", nn.Conv2d(cin if i == 1 else cout, cout, 3, padding=1, bias=False))
            net.add_module(f"{name}norm{i}", nn.BatchNorm2d(cout))
            net.add_module(f"{name}relu{i}", nn.ReLU())
        return net

    def forward(self, x):
        kept = []
        for i in (1, 2, 3, 4):
            x = getattr(self, f"encoder{i}")(x)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for i in (4, 3, 2, 1):
            x = getattr(self, f"decoder{i}")(torch.cat([getattr(self, f"upconv{i}")(x), kept[i - 1]], 1))
        return torch.sigmoid(self.conv(x))


# --- texts ---


class Added(nn.Module):
    """A dense layer, and a norm of its sum with what stood before."""

    def __init__(self, cin, cout):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(cin, cout), nn.LayerNorm(cout, eps=1e-12)

    def forward(self, x, before):
        return self.LayerNorm(self.dense(x) + before)


class BertAttention(nn.Module):
    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        for name in ("query", "key", "value"):
            self.add_module(name, nn.Linear(hidden, hidden))

    def forward(self, x, mask):
        split = lambda y: y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        scores = scores.masked_fill(mask[:, None, None] == 0, -float("inf"))
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


class BertLayer(nn.Module):
    def __init__(self, hidden, heads, intermediate):
        super().__init__()
        self.attention = nn.ModuleDict({"self": BertAttention(hidden, heads), "output": Added(hidden, hidden)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(hidden, intermediate)})
        self.output = Added(intermediate, hidden)

    def forward(self, x, mask):
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)


class Bert(nn.Module):
    """`forward` gives the pooled value of the first token."""

    def __init__(self, vocab=30522, hidden=768, layers=12, heads=12, intermediate=3072, positions=512):
        super().__init__()
        tables = {"word": vocab, "position": positions, "token_type": 2}
        self.embeddings = nn.ModuleDict({f"{name}_embeddings": nn.Embedding(count, hidden) for name, count in tables.items()})
        self.embeddings["LayerNorm"] = nn.LayerNorm(hidden, eps=1e-12)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(BertLayer(hidden, heads, intermediate) for _ in range(layers))})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(hidden, hidden)})

    def forward(self, input_ids, attention_mask, token_type_ids):
        of = lambda name, ids: self.embeddings[f"{name}_embeddings"](ids)
        places = torch.arange(input_ids.shape[1])
        x = self.embeddings["LayerNorm"](of("word", input_ids) + of("position", places) + of("token_type", token_type_ids))
        for layer in self.encoder["layer"]:
            x = layer(x, attention_mask)
        return torch.tanh(self.pooler["dense"](x[:, 0]))


class BertClassifier(nn.Module):
    def __init__(self, classes=2, **sizes):
        super().__init__()
        self.bert = Bert(**sizes)
        self.classifier = nn.Linear(self.bert.pooler["dense"].out_features, classes)

    def forward(self, *inputs):
        return self.classifier(self.bert(*inputs))
