"""Makes test/fixtures/extremes.json with PyTorch: what ops and their gradients give for numbers at the edge, on every device.

    python3 scripts/make-extremes.py      # needs torch

Infinities, no numbers, zeros of both signs, scores of 1e4 and 1e8, channels that are constant. Each case has the op's name and attributes in
tlc's words, its inputs, its value, the cotangent, and the gradients of the float inputs. Numbers that JSON has not are "nan", "inf", "-inf".
`alone` is whether an element's error is to be compared with that element, and not with the largest one. `error` is PyTorch's own in f32, beside
what stands there in float64.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

FILE = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/extremes.json"
NAN, INF = math.nan, math.inf
CASES = []


def plain(x):
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    # The shortest that reads back as the same f32.
    return float(f"{x:.9g}") if isinstance(x, float) else x


def tensor(t):
    return {"shape": list(t.shape), "data": [plain(x) for x in t.detach().flatten().tolist()]}


def run(f, inputs, dtype, gradients):
    """Value, cotangent, and gradients."""
    inputs = [x.detach().to(dtype) if x.is_floating_point() else x for x in inputs]
    for x in inputs:
        x.requires_grad_(x.is_floating_point() and gradients)
    y = f(*inputs)
    if not gradients:
        return y, None, []
    # Small whole numbers and halves: no rounding of ours or theirs is in them.
    cotangent = torch.tensor([((i * 5) % 7 - 2.5) / 2 for i in range(y.numel())], dtype=dtype).reshape(y.shape)
    y.backward(cotangent)
    return y, cotangent, [x.grad for x in inputs]


def error(x, exact):
    """The largest error beside the largest element."""
    finite = exact.isfinite()
    if not finite.any() or x is None:
        return 0.0
    return ((x - exact)[finite].abs().max() / exact[finite].abs().max().clamp_min(1e-30)).item()


def case(name, op, f, *inputs, attrs=None, gradients=True, exact=False):
    """`inputs` are nested lists; of integers, where they are indices. Where f32 makes large errors, `exact` is what float64 gives."""
    inputs = [torch.tensor(x, dtype=torch.float32 if isinstance(flat(x)[0], float) else torch.int64) for x in inputs]
    y, cotangent, grads = run(f, inputs, torch.float32, gradients)
    entry = {"name": name, "op": op, "attrs": attrs or {}, "alone": False}
    if exact:
        y64, _, grads64 = run(f, inputs, torch.float64, gradients)
        errors = [error(y, y64)] + [error(x, x64) for x, x64 in zip(grads, grads64) if x64 is not None]
        entry["error"] = float(f"{max(errors):.2g}")
        y, grads = y64, grads64
    entry["value"] = tensor(y)
    if gradients:
        entry["cotangent"] = tensor(cotangent)
        entry["gradients"] = [tensor(x) if x is not None else None for x in grads]
    entry["inputs"] = [{**tensor(x), "dtype": "f32" if x.is_floating_point() else "i32"} for x in inputs]
    CASES.append(entry)


def flat(x):
    return flat(x[0]) if isinstance(x[0], list) else x


EDGES = [NAN, INF, -INF, 0.0, -0.0, 1.5, -1.5, 30.0, -30.0, 100.0, -100.0, 1e4, -1e4, 1e30, -1e30, 1e-30]
FINITE = [x for x in EDGES if math.isfinite(x)]


def elementwise():
    for name, f in {
        "relu": F.relu,
        "sigmoid": torch.sigmoid,
        "silu": F.silu,
        "tanh": torch.tanh,
        "exp": torch.exp,
        "abs": torch.abs,
        "neg": torch.neg,
        "erf": torch.erf,
    }.items():
        case(name, name, f, [EDGES])
    # Of infinity some of PyTorch's processors say infinity and some nan.
    case("gelu", "gelu", F.gelu, [[x for x in EDGES if x != INF]])
    for name, f in {"log": torch.log, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt}.items():
        case(name, name, f, [[NAN, INF, 0.0, -1.5, 1.5, 1e30, 1e-30]])
    for name, f in {"floor": torch.floor, "ceil": torch.ceil}.items():
        case(name, name, f, [[x for x in EDGES if abs(x) != 1e-30]], gradients=False)
    for name, f in {"sin": torch.sin, "cos": torch.cos}.items():
        case(name, name, f, [[NAN, INF, -INF, 0.0, 1.5]])
    pairs = [(x, y) for x in [NAN, INF, -INF, 0.0, 2.0] for y in [NAN, INF, -INF, 1.0, 3.0]]
    for name, f in {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum, "minimum": torch.minimum}.items():
        case(name, name, f, [[x for x, _ in pairs]], [[y for _, y in pairs]], gradients=name in ("add", "sub", "mul"))
    for name, f in {"less": torch.lt, "lessEqual": torch.le, "equal": torch.eq, "notEqual": torch.ne}.items():
        case(name, name, lambda x, y, f=f: f(x, y).int(), [[x for x, _ in pairs]], [[y for _, y in pairs]], gradients=False)


ROWS = [
    [1e4, 9999.5, 9990.0, -1e4],
    [1e8, 1e8, 0.0, -1e8],
    [1e8, 99999992.0, 99999984.0, 99999976.0],
    [3e38, 0.0, -3e38, 1.0],
    [NAN, 1.0, 2.0, 3.0],
    [1.0, 2.0, NAN, INF],
    [INF, 1.0, 2.0, 3.0],
    [1.0, -INF, 2.0, 3.0],
    [-INF, -INF, -INF, -INF],
    [0.1, 0.2, -0.3, 0.4],
]


def scores():
    case("softmax", "softmax", lambda x: F.softmax(x, 1), ROWS, attrs={"axis": 1})
    case("logSoftmax", "logSoftmax", lambda x: F.log_softmax(x, 1), ROWS, attrs={"axis": 1})
    labels = [i % 4 for i in range(len(ROWS))]
    for shift in range(4):
        moved = [(label + shift) % 4 for label in labels]
        case(
            f"crossEntropy of labels moved by {shift}",
            "crossEntropy",
            lambda x, y: F.cross_entropy(x, y, reduction="none"),
            ROWS,
            moved,
            attrs={"labelSmoothing": 0},
        )
    case(
        "crossEntropy, smoothed",
        "crossEntropy",
        lambda x, y: F.cross_entropy(x, y, reduction="none", label_smoothing=0.1),
        ROWS[:3] + ROWS[4:6] + ROWS[9:],
        [0, 1, 2, 3, 0, 1],
        attrs={"labelSmoothing": 0.1},
    )


def reductions():
    rows = [[NAN, 1.0, 2.0], [1.0, NAN, INF], [-INF, 1.0, INF], [-INF, -INF, -INF], [2.0, 2.0, 1.0]]
    for name, f in {"reduceSum": torch.sum, "reduceMean": torch.mean, "reduceMax": torch.amax, "reduceMin": torch.amin}.items():
        case(name, name, lambda x, f=f: f(x, dim=1), rows, attrs={"axes": [1]})
    case("argMax", "argMax", lambda x: torch.argmax(x, dim=1).int(), rows[:3] + rows[4:], attrs={"axis": 1}, gradients=False)


def pictures(values, channels=1):
    """One picture of 4 x 4 from a list of 16."""
    return [[[values[4 * i : 4 * i + 4] for i in range(4)] for _ in range(channels)]]


def pools():
    grid = [float((i * 7) % 11) for i in range(16)]
    some = {
        "a NaN": {5: NAN},
        "two NaNs": {5: NAN, 0: NAN},
        "infinities": {5: INF, 10: -INF, 0: INF},
        "nothing but -inf": {i: -INF for i in range(16)},
        "-inf and NaN": {**{i: -INF for i in range(16)}, 9: NAN},
    }
    for what, changes in some.items():
        values = [changes.get(i, x) for i, x in enumerate(grid)]
        for kernel, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 1, 1)]:
            attrs = {"kernel": [kernel] * 2, "stride": [stride] * 2, "padding": [padding] * 2}
            name = f"{what}, windows of {kernel}, stride {stride}"
            case(f"maxPool2d of {name}", "maxPool2d", lambda x: F.max_pool2d(x, kernel, stride, padding), pictures(values), attrs=attrs)
            if what == "a NaN":
                case(f"avgPool2d of {name}", "avgPool2d", lambda x: F.avg_pool2d(x, kernel, stride, padding), pictures(values), attrs=attrs)
    for constant in (1e4, 10000.1):
        attrs = {"kernel": [3, 3], "stride": [1, 1], "padding": [0, 0]}
        case(f"avgPool2d of {constant}", "avgPool2d", lambda x: F.avg_pool2d(x, 3, 1), pictures([constant] * 16), attrs=attrs)


def norms():
    eps = 1e-5
    wave = [((i * 7) % 11) / 4 - 1.25 for i in range(400)]
    for what, f in {
        "1e4": lambda i: 1e4,
        "10000.1": lambda i: 10000.1,
        "1e-3": lambda i: 1e-3,
        "1e4 and some": lambda i: 1e4 + wave[i],
        "a NaN": lambda i: NAN if i == 5 else wave[i],
        "an infinity": lambda i: INF if i == 5 else wave[i],
        "1e4 at one place": lambda i: 1e4 if i == 0 else wave[i],
    }.items():
        n, c, size = 3, 2, 5
        # Channel 0 as said, channel 1 without anything special.
        x = [[[[f(25 * i + 5 * r + s) if k == 0 else wave[25 * i + 5 * r + s + 100] for s in range(size)] for r in range(size)] for k in range(c)] for i in range(n)]
        weight, bias, mean, var = [0.5, -1.5], [0.25, 1.0], [0.0, 0.0], [1.0, 1.0]

        def batch(x, w, b, m, v):
            return F.batch_norm(x, m.detach().clone(), v.detach().clone(), w, b, training=True, eps=eps)

        case(f"batchNorm of {what}", "batchNorm", batch, x, weight, bias, mean, var, attrs={"mode": "train", "eps": eps}, exact=True)
        case(f"groupNorm of {what}", "groupNorm", lambda x, w, b: F.group_norm(x, 2, w, b, eps), x, weight, bias, attrs={"groups": 2, "eps": eps}, exact=True)
        rows = [[f(i) for i in range(37)], wave[50:87]]
        weight, bias = [((i * 3) % 5) / 2 - 0.75 for i in range(37)], [((i * 5) % 7) / 4 for i in range(37)]
        case(f"layerNorm of {what}", "layerNorm", lambda x, w, b: F.layer_norm(x, [37], w, b, eps), rows, weight, bias, attrs={"eps": eps}, exact=True)


def products():
    x = [[1.0, NAN, 2.0], [1.0, 2.0, 3.0], [INF, 1.0, 0.0]]
    w = [[1.0, 2.0, 0.5], [0.5, 0.0, -1.0], [INF, 1.0, 1.5]]
    case("matmul", "matmul", torch.matmul, x, w, attrs={})
    case("embedding", "embedding", lambda t, i: F.embedding(i, t), [[1.0, NAN], [INF, 2.0], [0.5, 1.5]], [[0, 1], [2, 1]])


elementwise()
CASES = [{**entry, "alone": True} for entry in CASES]
for family in (scores, reductions, pools, norms, products):
    family()
FILE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in CASES) + "\n]\n")
print(f"{len(CASES)} cases, {FILE.stat().st_size} bytes")
