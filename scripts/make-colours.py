"""Makes test/fixtures/colours.json with torchvision: what a picture of floats becomes when its colours are changed.

    python3 scripts/make-colours.py        # needs torch and torchvision
"""

import json
import pathlib

import torch
from torchvision.transforms import _functional_tensor as F

FILE = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/colours.json"
CHANGES = {
    "brightness": (F.adjust_brightness, (0.0, 0.6, 1.7)),
    "contrast": (F.adjust_contrast, (0.0, 0.4, 1.8)),
    "saturation": (F.adjust_saturation, (0.0, 0.3, 2.2)),
    "hue": (F.adjust_hue, (-0.5, -0.13, 0.0, 0.21, 0.5)),
}


def main():
    torch.manual_seed(4)
    picture = torch.rand(3, 3, 4)
    # Greys, black, white, and two channels alike: where hues are nobody's, or on the edge of two sectors.
    picture[:, 0, 0], picture[:, 0, 1], picture[:, 0, 2] = 0.0, 1.0, 0.4
    picture[0, 1, 0] = picture[1, 1, 0]
    picture[1, 1, 1] = picture[2, 1, 1]
    rounded = lambda t: [round(v, 7) for v in t.flatten().tolist()]
    changes = [
        {"change": name, "by": by, "becomes": rounded(change(picture, by))} for name, (change, factors) in CHANGES.items() for by in factors
    ]
    lines = ",\n".join(json.dumps(change) for change in changes)
    FILE.write_text(f'{{"shape": {list(picture.shape)}, "picture": {rounded(picture)}, "changes": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
