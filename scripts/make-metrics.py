"""Makes test/fixtures/metrics.json with scikit-learn: what metrics must say of answers, some of them with equal scores.

    python3 scripts/make-metrics.py        # needs scikit-learn and numpy

Each case has the scores of a network (`outputs`, by rows), labels, and the metrics by the words of a recipe.
"""

import json
import pathlib

import numpy as np
from sklearn import metrics as m

FILE = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/metrics.json"
AVERAGES = ("macro", "micro", "weighted")


def of_classes(scores, labels):
    answers = scores.argmax(1)
    # In float64: what rounds to a probability of 1 in f32 is still told apart.
    exact = np.exp(scores.astype(float) - scores.max(1, keepdims=True))
    shares = exact / exact.sum(1, keepdims=True)
    classes = np.arange(scores.shape[1])
    two = len(classes) == 2
    is_class = labels[:, None] == classes
    found = {
        "accuracy": m.accuracy_score(labels, answers),
        "auc": m.roc_auc_score(labels, shares[:, 1]) if two else m.roc_auc_score(labels, shares, multi_class="ovr"),
        "average_precision": m.average_precision_score(labels, shares[:, 1]) if two else m.average_precision_score(is_class, shares),
        "confusion": m.confusion_matrix(labels, answers, labels=classes).tolist(),
        # Of the classes that occur, as torchmetrics has it; the others would be 0 over 0.
        "dice": m.f1_score(labels, answers, average="macro", zero_division=0),
        "mean_iou": m.jaccard_score(labels, answers, average="macro"),
    }
    for average in AVERAGES:
        for name, score in (("f1", m.f1_score), ("precision", m.precision_score), ("recall", m.recall_score)):
            found[name if average == "macro" else f"{name}_{average}"] = score(labels, answers, average=average, zero_division=0)
    if not two:
        found |= {f"top_{k}": m.top_k_accuracy_score(labels, scores, k=k) for k in (2, 3)}
    return found


def of_sets(scores, labels):
    answers = scores > 0
    found = {
        "accuracy": m.accuracy_score(labels, answers),
        "auc": m.roc_auc_score(labels, scores),
        "average_precision": m.average_precision_score(labels, scores),
    }
    for average in AVERAGES:
        for name, score in (("f1", m.f1_score), ("precision", m.precision_score), ("recall", m.recall_score)):
            found[name if average == "macro" else f"{name}_{average}"] = score(labels, answers, average=average, zero_division=0)
    return found


def of_numbers(outputs, labels):
    return {
        "mae": m.mean_absolute_error(labels, outputs),
        "rmse": m.root_mean_squared_error(labels, outputs),
        "r2": m.r2_score(labels, outputs),
    }


def main():
    random = np.random.default_rng(11)
    f32 = lambda values: np.asarray(values, dtype=np.float32)
    rounded = lambda *shape: f32(np.round(random.normal(size=shape) * 2))
    cases = {}

    def classes(name, scores, labels):
        cases[name] = {"kind": "class", "outputs": scores.tolist(), "labels": labels.tolist(), "metrics": of_classes(scores, labels)}

    def numbers(name, outputs, labels):
        cases[name] = {"kind": "number", "outputs": outputs.tolist(), "labels": labels.tolist(), "metrics": of_numbers(outputs, labels)}

    labels = random.integers(0, 4, 157)
    classes("classes", f32(random.normal(size=(157, 4)) + 1.5 * np.eye(4)[labels]), labels)
    # Never answered, never the label: what a quotient without cases is.
    seldom = f32(random.normal(size=(23, 5)) - [0, 0, 0, 9, 0])
    classes("a class that nobody answers", seldom, np.concatenate([np.arange(5), random.integers(0, 5, 18)]))
    labels = random.integers(0, 2, 41)
    classes("two classes", f32(random.normal(size=(41, 2)) + np.eye(2)[labels]), labels)
    # Equal scores, but not within a row: which of those counts as the higher is nobody's definition.
    steps = rounded(64, 1)
    classes("equal scores of two classes", np.hstack([np.zeros((64, 1), np.float32), steps + np.float32(0.5)]), random.integers(0, 2, 64))
    # Probabilities of all of these are 1 in f32.
    classes("very sure", f32(np.hstack([-9 - np.arange(30)[:, None] / 8, 9 + random.permutation(30)[:, None] / 8])), random.integers(0, 2, 30))
    labels = f32(random.normal(size=(37, 3)) * [1, 5, 0.1] + [1000, 0, 3])
    numbers("numbers", f32(labels + random.normal(size=(37, 3)) * [0.5, 3, 0.3]), labels)
    numbers("one number", f32(random.normal(size=(10, 1))), f32(random.normal(size=(10, 1))))
    numbers("labels that are all alike", f32(random.normal(size=(9, 2))), f32(np.tile([2, 3], (9, 1))))
    labels = random.integers(0, 2, (43, 4))
    sets = f32(random.normal(size=(43, 4)) + 2 * labels - [0, 1, 2, 9])
    cases["sets of classes"] = {"kind": "set", "outputs": sets.tolist(), "labels": labels.tolist(), "metrics": of_sets(sets, labels)}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
    FILE.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
