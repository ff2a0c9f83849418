"""Makes test/fixtures/layers with PyTorch: what each layer and its gradients must be, for the steps of the language that stand beside.

    python3 scripts/make-layer-traces.py        # needs torch, safetensors

cases.json has the network of each case: its input's shape and the steps on it. layers.safetensors has for the case NAME `NAME/weight/…`,
`NAME/batch/a`, `NAME/batch/label`, `NAME/output`, `NAME/grad/…` for the mean squared error. Before the steps a learned `shift` is added to
the input, so that its gradient is that of the layer's input, summed over the batch. Computed in float64 from numbers that f32 holds.
"""

import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/layers"
BATCH = 2
CASES, TENSORS = {}, {}


class Shifted(nn.Module):
    def __init__(self, shape, modules, forward):
        super().__init__()
        self.shift = nn.Parameter(torch.empty(shape).uniform_(-0.5, 0.5))
        for name, module in modules.items():
            if isinstance(module, nn.Parameter):
                self.register_parameter(name, module)
            else:
                self.add_module(name, module)
        self.run = forward

    def forward(self, x):
        return self.run(self, x + self.shift)


def case(name, shape, steps, forward, spread=2.0, **modules):
    """`forward` gets the network, with `modules` as attributes, and the shifted input."""
    net = Shifted(shape, modules, forward)
    # Weights of any kind that are not what they begin with: those of normalizations, above all.
    with torch.no_grad():
        for weight in modules.values():
            for tensor in [weight] if isinstance(weight, nn.Parameter) else weight.parameters():
                tensor.add_(torch.empty_like(tensor).uniform_(-0.2, 0.2))
    f32 = lambda t: t.detach().to(torch.float32).contiguous()
    a = torch.empty(BATCH, *shape).uniform_(-spread, spread)
    net.train().double()
    output = net(a.double())
    label = f32(torch.empty_like(output).uniform_(-1, 1))
    F.mse_loss(output, label.double()).backward()
    tensors = {f"weight/{k}": v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    tensors |= {"batch/a": a, "batch/label": label, "output": output}
    tensors |= {f"grad/{k}": p.grad for k, p in net.named_parameters()}
    assert name not in CASES and all(p.grad is not None for p in net.parameters()), name
    CASES[name] = {"shape": list(shape), "steps": steps}
    # Running statistics as they were before: the forward pass has changed them.
    fresh = {"running_mean": 0.0, "running_var": 1.0}
    for key, tensor in tensors.items():
        last = key.rsplit(".", 1)[-1]
        TENSORS[f"{name}/{key}"] = f32(torch.full_like(tensor, fresh[last])) if last in fresh else f32(tensor)


def of(module, steps, name, shape, **more):
    """A layer that is one module of PyTorch."""
    case(name, shape, steps, lambda net, x: net.layer(x), layer=module, **more)


def fn(name, shape, steps, f, **more):
    case(name, shape, steps, lambda net, x: f(x), **more)


IMAGE = (4, 7, 6)


def activations():
    of(nn.ReLU(), "relu", "relu", (3, 5))
    of(nn.ReLU6(), "relu6", "relu6", (3, 5), spread=8.0)
    of(nn.LeakyReLU(), "leaky_relu", "leaky_relu", (3, 5))
    of(nn.LeakyReLU(0.3), "leaky_relu(0.3)", "leaky_relu-slope", (3, 5))
    of(nn.PReLU(), "layer: prelu", "prelu", (3, 5))
    of(nn.PReLU(3, init=0.1), "layer: prelu(3, init: 0.1)", "prelu-channels", (3, 2, 2))
    of(nn.ELU(), "elu", "elu", (3, 5))
    of(nn.ELU(0.7), "elu(0.7)", "elu-alpha", (3, 5))
    of(nn.CELU(0.6), "celu(0.6)", "celu", (3, 5))
    of(nn.SELU(), "selu", "selu", (3, 5))
    of(nn.GELU(), "gelu", "gelu", (3, 5))
    of(nn.GELU("tanh"), "gelu(approximate: tanh)", "gelu-tanh", (3, 5))
    of(nn.SiLU(), "silu", "silu", (3, 5))
    of(nn.Mish(), "mish", "mish", (3, 5))
    of(nn.Hardswish(), "hardswish", "hardswish", (3, 5), spread=5.0)
    of(nn.Hardsigmoid(), "hardsigmoid", "hardsigmoid", (3, 5), spread=5.0)
    of(nn.Hardtanh(), "hardtanh", "hardtanh", (3, 5))
    of(nn.Hardtanh(-0.5, 1.5), "hardtanh(-0.5, 1.5)", "hardtanh-bounds", (3, 5))
    of(nn.Softplus(), "softplus", "softplus", (3, 5))
    of(nn.Softplus(3, 2), "softplus(3, threshold: 2)", "softplus-sharp", (3, 5))
    of(nn.Softsign(), "softsign", "softsign", (3, 5))
    of(nn.Sigmoid(), "sigmoid", "sigmoid", (3, 5))
    of(nn.LogSigmoid(), "log_sigmoid", "log_sigmoid", (3, 5), spread=5.0)
    of(nn.Tanh(), "tanh", "tanh", (3, 5))
    of(nn.GLU(), "glu", "glu", (3, 6))
    of(nn.GLU(1), "glu(0)", "glu-channels", (4, 3, 2))
    of(nn.Softmax(-1), "softmax", "softmax", (3, 5))
    of(nn.LogSoftmax(-1), "log_softmax", "log_softmax", (3, 5))


def tensors():
    p = lambda *shape: nn.Parameter(torch.rand(*shape))
    case("operators", (3, 4, 4), "let w = w: parameter([3, 1, 1])\nx * -w + x / 2 - 0.25 -> 1 - x * x / (2 + w)",
         lambda net, x: (lambda y: 1 - y * y / (2 + net.w))(-x * net.w + x / 2 - 0.25), w=p(3, 1, 1))
    case("parameter", (2, 3), "let w = w: parameter([2, 3], std: 0.5)\nx * w -> concat(w)", lambda net, x: torch.cat([x * net.w, net.w.expand_as(x)], 1), w=p(2, 3))
    fn("constant", (3, 2, 2), "x / constant([0.5, 2, 4], shape: [3, 1, 1]) + constant(0.5, shape: [1, 2, 2])", lambda x: x / torch.tensor([0.5, 2, 4]).reshape(3, 1, 1) + 0.5)
    case("layer_scale", (3, 4, 2), "layer: layer_scale(0.5)", lambda net, x: x * dict(net.named_parameters())["layer.gamma"].reshape(3, 1, 1), layer=Gamma(3))
    case("layer_scale-features", (4, 3), "layer: layer_scale", lambda net, x: x * net.layer.gamma, layer=Gamma(3))
    fn("pad", IMAGE, "pad([1, 2, 0, 3, 2, 0], value: 0.5)", lambda x: F.pad(x, (1, 2, 0, 3, 2, 0), value=0.5))
    fn("pad-negative", IMAGE, "pad([-1, 2, 1, -3])", lambda x: F.pad(x, (-1, 2, 1, -3)))
    fn("pad-reflect", IMAGE, "pad([3, 1, 0, 6], mode: reflect)", lambda x: F.pad(x, (3, 1, 0, 6), "reflect"))
    fn("pad-replicate", IMAGE, "pad([2, 0, 1, 9], mode: replicate)", lambda x: F.pad(x, (2, 0, 1, 9), "replicate"))
    fn("pad-circular", IMAGE, "pad([2, 6, 1, 0], mode: circular)", lambda x: F.pad(x, (2, 6, 1, 0), "circular"))
    fn("slice", IMAGE, "slice(1, start: -5, step: 2) -> slice(-1, stop: -1)", lambda x: x[:, :, -5::2, :-1])
    fn("center_crop", (2, 9, 8), "center_crop([2, 5])", lambda x: x[:, :, 4:6, 2:7])
    fn("split", IMAGE, "let parts = split([1, 3])\nlet rest = split(3, axis: 1)\nparts[1] * parts[0] -> slice(1, stop: 1) -> concat(rest[2])",
       lambda x: torch.cat([(x[:, 1:] * x[:, :1])[:, :, :1], torch.split(x, 3, 2)[2]], 1))
    fn("chunk-stack", IMAGE, "let parts = chunk(4, axis: 1)\nparts[0] -> stack([parts[1], parts[2]], axis: 2)", lambda x: torch.stack(torch.chunk(x, 4, 2)[:3], 3))
    fn("shapes", IMAGE, "transpose([2, 0, 1]) -> reshape([3, -1]) -> flatten", lambda x: x.permute(0, 3, 1, 2).flatten(1))
    fn("means", (5, 3), "let last_one = last\nmean -> add(last_one)", lambda x: x.mean(1) + x[:, -1])


class Gamma(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((size,), 0.5))


def convolutions():
    signal, image, volume = (4, 9), (4, 7, 6), (2, 5, 4, 5)
    of(nn.Conv1d(4, 3, 3), "layer: conv1d(3, kernel: 3)", "conv1d", signal)
    of(nn.Conv1d(4, 6, 4, stride=2, padding=3, dilation=2, groups=2, bias=False), "layer: conv1d(6, 4, stride: 2, padding: 3, dilation: 2, groups: 2, bias: false)", "conv1d-more", signal)
    of(nn.Conv1d(4, 2, 4, padding="same"), "layer: conv1d(2, 4, padding: same)", "conv1d-same", signal)
    of(nn.Conv2d(4, 3, 3), "layer: conv2d(3, kernel: 3)", "conv2d", image)
    of(nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2), "layer: conv2d(6, [3, 2], [2, 1], [1, 2], [1, 2], 2)", "conv2d-more", image)
    of(nn.Conv2d(4, 8, 3, padding=1, groups=4), "layer: conv2d(8, 3, padding: 1, groups: 4)", "conv2d-depthwise", image)
    of(nn.Conv2d(4, 2, (4, 3), padding="same", dilation=(1, 2)), "layer: conv2d(2, [4, 3], padding: same, dilation: [1, 2])", "conv2d-same", image)
    of(nn.Conv2d(4, 2, 2, padding="valid"), 'layer: conv2d(2, 2, padding: "valid")', "conv2d-valid", image)
    of(nn.Conv3d(2, 3, 3), "layer: conv3d(3, kernel: 3)", "conv3d", volume)
    of(nn.Conv3d(2, 4, (2, 3, 2), stride=(2, 1, 2), padding=(1, 2, 0), dilation=(2, 1, 1), groups=2), "layer: conv3d(4, [2, 3, 2], [2, 1, 2], [1, 2, 0], [2, 1, 1], 2)", "conv3d-more", volume)
    of(nn.Conv3d(2, 2, 2, padding="same"), "layer: conv3d(2, 2, padding: same)", "conv3d-same", volume)
    of(nn.ConvTranspose1d(4, 3, 3), "layer: conv_transpose1d(3, kernel: 3)", "conv_transpose1d", signal)
    of(nn.ConvTranspose1d(4, 6, 4, 3, 1, 2, 2, False, 2), "layer: conv_transpose1d(6, 4, 3, 1, 2, 2, false, 2)", "conv_transpose1d-more", signal)
    of(nn.ConvTranspose2d(4, 3, 2, stride=2), "layer: conv_transpose2d(3, 2, stride: 2)", "conv_transpose2d", (4, 3, 4))
    of(nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2, True, (1, 2)), "layer: conv_transpose2d(6, [3, 2], [2, 3], [1, 0], [1, 2], 2, true, [1, 2])", "conv_transpose2d-more", (4, 3, 4))
    of(nn.ConvTranspose3d(2, 3, 2, stride=2), "layer: conv_transpose3d(3, 2, stride: 2)", "conv_transpose3d", (2, 2, 3, 2))
    of(nn.ConvTranspose3d(2, 4, (3, 2, 3), (2, 1, 2), (1, 0, 2), (1, 0, 1), 2, True, (1, 2, 2)), "layer: conv_transpose3d(4, [3, 2, 3], [2, 1, 2], [1, 0, 2], [1, 0, 1], 2, true, [1, 2, 2])", "conv_transpose3d-more", (2, 3, 2, 3))
    of(nn.Linear(5, 3), "layer: linear(3)", "linear", (5,))
    of(nn.Linear(5, 3, bias=False), "layer: linear(3, bias: false)", "linear-sequence", (4, 5))


def norms():
    # What is the same for all examples of a batch changes nothing behind a normalization over it, so a product stands before.
    case("batch_norm-features", (4,), "x * x -> fc: linear(3, bias: false) -> layer: batch_norm(eps: 0.1)", lambda net, x: net.layer(net.fc(x * x)), fc=nn.Linear(4, 3, bias=False), layer=nn.BatchNorm1d(3, eps=0.1))
    of(nn.BatchNorm1d(3), "layer: batch_norm", "batch_norm-signal", (3, 4))
    of(nn.BatchNorm2d(3, eps=1e-3, affine=False), "layer: batch_norm(eps: 1e-3, affine: false)", "batch_norm-image", (3, 4, 2))
    of(nn.BatchNorm3d(2), "layer: batch_norm", "batch_norm-volume", (2, 3, 2, 2))
    of(nn.LayerNorm(5), "layer: layer_norm", "layer_norm", (3, 5))
    of(nn.LayerNorm(5, eps=1e-2, bias=False), "layer: layer_norm(1e-2, bias: false)", "layer_norm-no-bias", (3, 5))
    of(nn.LayerNorm([3, 4, 2]), "layer: layer_norm(shape: [3, 4, 2])", "layer_norm-axes", (3, 4, 2))
    of(nn.RMSNorm(5), "layer: rms_norm", "rms_norm", (3, 5))
    of(nn.RMSNorm([4, 2], eps=1e-2), "layer: rms_norm(1e-2, shape: [4, 2])", "rms_norm-axes", (3, 4, 2))
    of(nn.GroupNorm(2, 4), "layer: group_norm(2)", "group_norm", (4, 3, 2))
    of(nn.GroupNorm(2, 6, affine=False), "layer: group_norm(2, affine: false)", "group_norm-features", (6,))
    of(nn.InstanceNorm1d(3), "layer: instance_norm", "instance_norm-signal", (3, 5))
    of(nn.InstanceNorm2d(3, affine=True), "layer: instance_norm(affine: true)", "instance_norm-image", (3, 4, 2))
    of(nn.InstanceNorm3d(2), "layer: instance_norm", "instance_norm-volume", (2, 2, 3, 2))
    of(nn.LocalResponseNorm(3), "layer: local_response_norm(3)", "local_response_norm", (5, 3, 2))
    of(nn.LocalResponseNorm(4, alpha=0.5, beta=0.6, k=2), "layer: local_response_norm(4, alpha: 0.5, beta: 0.6, k: 2)", "local_response_norm-more", (5, 3))


def pools():
    signal, image, volume = (2, 9), (2, 7, 8), (2, 5, 4, 6)
    of(nn.MaxPool1d(3), "max_pool1d(3)", "max_pool1d", signal)
    of(nn.MaxPool1d(4, 3, 2, ceil_mode=True), "max_pool1d(4, 3, 2, true)", "max_pool1d-more", signal)
    of(nn.MaxPool2d(2), "max_pool2d(2)", "max_pool2d", image)
    of(nn.MaxPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True), "max_pool2d([3, 2], [2, 3], [1, 0], ceil_mode: true)", "max_pool2d-more", image)
    # With zeros behind relu there are ties.
    fn("max_pool2d-ties", image, "relu -> max_pool2d(3, stride: 2, padding: 1)", lambda x: F.max_pool2d(F.relu(x), 3, 2, 1))
    of(nn.MaxPool2d(9, 2, 4), "max_pool2d(9, 2, 4)", "max_pool2d-large", (2, 10, 11))
    of(nn.MaxPool3d(2), "max_pool3d(2)", "max_pool3d", volume)
    fn("max_pool3d-more", volume, "relu -> max_pool3d([3, 2, 3], [2, 1, 2], [1, 0, 1], true)", lambda x: F.max_pool3d(F.relu(x), (3, 2, 3), (2, 1, 2), (1, 0, 1), ceil_mode=True))
    of(nn.AvgPool1d(3), "avg_pool1d(3)", "avg_pool1d", signal)
    of(nn.AvgPool1d(4, 3, 2, True, False), "avg_pool1d(4, 3, 2, true, false)", "avg_pool1d-more", signal)
    of(nn.AvgPool2d(2), "avg_pool2d(2)", "avg_pool2d", image)
    of(nn.AvgPool2d(3, 2, 1), "avg_pool2d(3, 2, 1)", "avg_pool2d-padded", image)
    of(nn.AvgPool2d((3, 2), (2, 3), 1, True), "avg_pool2d([3, 2], [2, 3], 1, true)", "avg_pool2d-ceil", image)
    of(nn.AvgPool2d((3, 2), (2, 3), 1, True, False), "avg_pool2d([3, 2], [2, 3], 1, ceil_mode: true, count_include_pad: false)", "avg_pool2d-uncounted", image)
    of(nn.AvgPool2d(3, 2, 1, divisor_override=4), "avg_pool2d(3, 2, 1, divisor_override: 4)", "avg_pool2d-divisor", image)
    of(nn.AvgPool3d(2), "avg_pool3d(2)", "avg_pool3d", volume)
    of(nn.AvgPool3d((3, 2, 3), (2, 1, 2), (1, 0, 1), True, False), "avg_pool3d([3, 2, 3], [2, 1, 2], [1, 0, 1], true, false)", "avg_pool3d-more", volume)
    of(nn.AvgPool3d(2, divisor_override=3), "avg_pool3d(2, divisor_override: 3)", "avg_pool3d-divisor", volume)
    of(nn.AdaptiveAvgPool1d(4), "adaptive_avg_pool1d(4)", "adaptive_avg_pool1d", signal)
    of(nn.AdaptiveAvgPool2d(1), "adaptive_avg_pool2d(1)", "adaptive_avg_pool2d", image)
    of(nn.AdaptiveAvgPool2d((3, 4)), "adaptive_avg_pool2d([3, 4])", "adaptive_avg_pool2d-parts", image)
    of(nn.AdaptiveAvgPool2d((9, 10)), "adaptive_avg_pool2d([9, 10])", "adaptive_avg_pool2d-more", image)
    of(nn.AdaptiveAvgPool3d((2, 4, 3)), "adaptive_avg_pool3d([2, 4, 3])", "adaptive_avg_pool3d", volume)
    of(nn.AdaptiveMaxPool1d(4), "adaptive_max_pool1d(4)", "adaptive_max_pool1d", signal)
    fn("adaptive_max_pool2d", image, "relu -> adaptive_max_pool2d(1)", lambda x: F.adaptive_max_pool2d(F.relu(x), 1))
    fn("adaptive_max_pool2d-parts", image, "relu -> adaptive_max_pool2d([3, 4])", lambda x: F.adaptive_max_pool2d(F.relu(x), (3, 4)))
    fn("adaptive_max_pool3d", volume, "relu -> adaptive_max_pool3d([2, 4, 4])", lambda x: F.adaptive_max_pool3d(F.relu(x), (2, 4, 4)))
    fn("global_avg_pool", image, "global_avg_pool", lambda x: x.mean((2, 3)))
    fn("global_avg_pool-volume", volume, "global_avg_pool", lambda x: x.mean((2, 3, 4)))
    fn("global_max_pool", image, "relu -> global_max_pool", lambda x: F.adaptive_max_pool2d(F.relu(x), 1).flatten(1))


def resizes():
    image = (2, 4, 5)
    of(nn.Upsample(scale_factor=2), "upsample(scale_factor: 2)", "upsample", image)
    of(nn.Upsample((7, 3)), "upsample([7, 3])", "upsample-size", image)
    of(nn.Upsample(scale_factor=1.5), "upsample(scale_factor: 1.5)", "upsample-fraction", image)
    of(nn.Upsample(scale_factor=2, mode="bilinear"), "upsample(scale_factor: 2, mode: bilinear)", "upsample-bilinear", image)
    of(nn.Upsample((7, 3), mode="bilinear"), "upsample([7, 3], mode: bilinear)", "upsample-bilinear-size", image)
    of(nn.Upsample((7, 1), mode="bilinear", align_corners=True), "upsample([7, 1], mode: bilinear, align_corners: true)", "upsample-bilinear-aligned", image)
    of(nn.Upsample(scale_factor=1.5, mode="bilinear"), "upsample(scale_factor: 1.5, mode: bilinear)", "upsample-bilinear-fraction", image)
    of(nn.PixelShuffle(2), "pixel_shuffle(2)", "pixel_shuffle", (8, 3, 2))
    of(nn.PixelUnshuffle(2), "pixel_unshuffle(2)", "pixel_unshuffle", (2, 4, 6))


def recurrent():
    sequence = (4, 3)
    all_of = lambda net, x: net.layer(x)[0]
    case("lstm", sequence, "layer: lstm(2)", all_of, layer=nn.LSTM(3, 2, batch_first=True))
    case("lstm-more", sequence, "layer: lstm(2, 2, bidirectional: true, bias: false)", all_of, layer=nn.LSTM(3, 2, 2, bias=False, batch_first=True, bidirectional=True))
    case("gru", sequence, "layer: gru(2)", all_of, layer=nn.GRU(3, 2, batch_first=True))
    case("gru-more", sequence, "layer: gru(2, 2, bidirectional: true, bias: false)", all_of, layer=nn.GRU(3, 2, 2, bias=False, batch_first=True, bidirectional=True))
    case("rnn", sequence, "layer: rnn(2)", all_of, layer=nn.RNN(3, 2, batch_first=True))
    case("rnn-relu", sequence, "layer: rnn(2, 2, bidirectional: true, nonlinearity: relu)", all_of, layer=nn.RNN(3, 2, 2, "relu", batch_first=True, bidirectional=True))
    # Begun by learned states, and only what is left of the state: [rows, batch, hidden] in PyTorch.
    rows = lambda h: h.expand(BATCH, -1, -1).transpose(0, 1).contiguous()
    begin = lambda: nn.Parameter(torch.rand(4, 2))
    case("lstm-state", sequence, "let h = h: parameter([4, 2])\nlet c = c: parameter([4, 2])\nlayer: lstm(2, 2, bidirectional: true, state: [h, c])\nlayer.state[0] -> concat(layer.state[1])",
         lambda net, x: torch.cat([s.transpose(0, 1) for s in net.layer(x, (rows(net.h), rows(net.c)))[1]], 1),
         h=begin(), c=begin(), layer=nn.LSTM(3, 2, 2, batch_first=True, bidirectional=True))
    for name, kind in [("gru", nn.GRU), ("rnn", nn.RNN)]:
        case(f"{name}-state", sequence, f"let h = h: parameter([4, 2])\nlayer: {name}(2, 2, bidirectional: true, state: h)\nlayer.state",
             lambda net, x: net.layer(x, rows(net.h))[1].transpose(0, 1), h=begin(), layer=kind(3, 2, 2, batch_first=True, bidirectional=True))
    # An encoder hands its state to a decoder over the same values.
    case("state-handed-on", sequence, "let values = x\nencoder.rnn: gru(2)\nvalues -> decoder: gru(2, state: encoder.rnn.state)",
         lambda net, x: net.decoder(x, net.encoder["rnn"](x)[1])[0], encoder=nn.ModuleDict({"rnn": nn.GRU(3, 2, batch_first=True)}), decoder=nn.GRU(3, 2, batch_first=True))


def arguments():
    signal, image, volume = (4, 9), (4, 7, 6), (2, 5, 4, 6)
    of(nn.Conv1d(4, 6, 4, padding="same", padding_mode="circular"), "layer: conv1d(6, 4, padding: same, padding_mode: circular)", "conv1d-circular", signal)
    of(nn.Conv2d(4, 6, (3, 4), (2, 1), (2, 1), (1, 2), 2, padding_mode="reflect"), "layer: conv2d(6, [3, 4], [2, 1], [2, 1], [1, 2], 2, padding_mode: reflect)", "conv2d-reflect", image)
    of(nn.Conv2d(4, 2, (4, 3), padding="same", padding_mode="reflect"), "layer: conv2d(2, [4, 3], padding: same, padding_mode: reflect)", "conv2d-same-reflect", image)
    of(nn.Conv3d(2, 3, 3, 2, (1, 0, 2), padding_mode="replicate"), "layer: conv3d(3, 3, 2, [1, 0, 2], padding_mode: replicate)", "conv3d-replicate", volume)
    fn("max_pool1d-dilated", signal, "relu -> max_pool1d(3, 2, 1, dilation: 2)", lambda x: F.max_pool1d(F.relu(x), 3, 2, 1, 2))
    fn("max_pool2d-dilated", image, "relu -> max_pool2d([3, 2], [1, 2], [1, 1], true, dilation: [2, 3])", lambda x: F.max_pool2d(F.relu(x), (3, 2), (1, 2), (1, 1), (2, 3), ceil_mode=True))
    fn("max_pool3d-dilated", volume, "relu -> max_pool3d(2, dilation: [3, 1, 2])", lambda x: F.max_pool3d(F.relu(x), 2, dilation=(3, 1, 2)))


def attentions():
    sequence, wide = (5, 6), (5, 12)
    p = lambda *shape: nn.Parameter(torch.rand(*shape) - 0.5)
    heads = lambda y, count: y.unflatten(-1, (count, -1)).transpose(1, 2)
    joined = lambda y: y.transpose(1, 2).flatten(2)
    def dot(q, k, v, count, **more):
        return joined(F.scaled_dot_product_attention(heads(q, count), heads(k, count), heads(v, count), **more))
    def real(*ones, query=None):
        """For each query whether it may look at a key: of a mask of keys, and only before its own place where there is a number of queries."""
        mask = torch.tensor(ones) != 0
        return mask if query is None else mask & torch.ones(query, len(ones)).tril().bool()
    three = "let parts = split(4, axis: -1)\nparts[0] -> attention(parts[1], parts[2]"
    fn("attention", wide, f"{three})", lambda x: dot(*x.split(4, -1), 1))
    fn("attention-heads", wide, f"{three}, heads: 2, scale: 0.3)", lambda x: dot(*x.split(4, -1), 2, scale=0.3))
    fn("attention-causal", wide, f"{three}, 4, causal: true)", lambda x: dot(*x.split(4, -1), 4, is_causal=True))
    fn("attention-mask", wide, f"{three}, 2, mask: constant([1, 0, 1, 1, 0]))", lambda x: dot(*x.split(4, -1), 2, attn_mask=real(1, 0, 1, 1, 0).expand(5, -1)))
    # The first query may look at nothing: before its place there are only masked keys.
    fn("attention-nothing", wide, f"{three}, 2, mask: constant([0, 1, 1, 0, 1]), causal: true)", lambda x: dot(*x.split(4, -1), 2, attn_mask=real(0, 1, 1, 0, 1, query=5)))
    case("attention-to-others", sequence, "let k = k: parameter([3, 6])\nlet v = v: parameter([3, 4])\nattention(k, v, heads: 2, causal: true)",
         lambda net, x: dot(x, net.k.expand(BATCH, -1, -1), net.v.expand(BATCH, -1, -1), 2, is_causal=True), k=p(3, 6), v=p(3, 4))
    attended = lambda net, x, seen, **more: net.layer(x, seen, seen, need_weights=False, **more)[0]
    made = lambda **more: nn.MultiheadAttention(6, 3, batch_first=True, **more)
    causal = {"attn_mask": nn.Transformer.generate_square_subsequent_mask(5).double(), "is_causal": True}
    ignored = lambda *ones: (torch.tensor(ones) == 0).expand(BATCH, -1)
    case("multi_head_attention", sequence, "layer: multi_head_attention(3)", lambda net, x: attended(net, x, x), layer=made())
    case("multi_head_attention-no-bias", sequence, "layer: multi_head_attention(3, bias: false)", lambda net, x: attended(net, x, x), layer=made(bias=False))
    case("multi_head_attention-causal", sequence, "layer: multi_head_attention(3, causal: true)", lambda net, x: attended(net, x, x, **causal), layer=made())
    case("multi_head_attention-mask", sequence, "layer: multi_head_attention(3, mask: constant([1, 1, 0, 1, 0]))", lambda net, x: attended(net, x, x, key_padding_mask=ignored(1, 1, 0, 1, 0)), layer=made())
    case("multi_head_attention-memory", sequence, "let memory = memory: parameter([4, 6])\nlayer: multi_head_attention(3, memory, mask: constant([0, 1, 1, 1]))",
         lambda net, x: attended(net, x, net.memory.expand(BATCH, -1, -1), key_padding_mask=ignored(0, 1, 1, 1)), memory=p(4, 6), layer=made())
    case("position_embedding", sequence, "let places = layer: position_embedding(7, 6)\nx * places", lambda net, x: x * net.layer(torch.arange(5)), layer=nn.Embedding(7, 6))
    block = lambda kind, activation, norm_first: kind(6, 3, 8, 0.0, activation, batch_first=True, norm_first=norm_first)
    for name, activation, norm_first in [("", "relu", False), ("-norm-first", "gelu", True)]:
        arguments = f"feedforward: 8, drop: 0, activation: {activation}, norm_first: {str(norm_first).lower()}"
        case(f"transformer_encoder_layer{name}", sequence, f"layer: transformer_encoder_layer(3, {arguments}, mask: constant([1, 1, 1, 0, 1]))",
             lambda net, x: net.layer(x, src_key_padding_mask=ignored(1, 1, 1, 0, 1)), layer=block(nn.TransformerEncoderLayer, activation, norm_first))
        case(f"transformer_decoder_layer{name}", sequence, f"let memory = memory: parameter([4, 6])\nlayer: transformer_decoder_layer(3, memory, {arguments}, memory_mask: constant([1, 0, 1, 1]))",
             lambda net, x: net.layer(x, net.memory.expand(BATCH, -1, -1), tgt_mask=causal["attn_mask"], tgt_is_causal=True, memory_key_padding_mask=ignored(1, 0, 1, 1)),
             memory=p(4, 6), layer=block(nn.TransformerDecoderLayer, activation, norm_first))


FAMILIES = [activations, tensors, convolutions, norms, pools, resizes, recurrent, arguments, attentions]


def main():
    torch.manual_seed(10)
    torch.use_deterministic_algorithms(True, warn_only=True)
    for number, family in enumerate(FAMILIES):
        # A family that grows leaves the others as they are.
        torch.manual_seed(1000 + number)
        family()
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file(TENSORS, FOLDER / "layers.safetensors")
    (FOLDER / "cases.json").write_text("{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in CASES.items()) + "\n}\n")
    print(f"{len(CASES)} cases, {(FOLDER / 'layers.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
