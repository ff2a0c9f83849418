"""Writes test/fixtures/masks.json: small PNGs of every kind that may be a mask, and the numbers that PIL reads of each. Needs Pillow and NumPy:

    python3 scripts/make-masks.py
"""

import base64
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 5, 11
random = np.random.RandomState(2)
PALETTE = [int(v) for v in random.randint(0, 256, 3 * 256)]


def png(depth, colour, rows, chunks=b""):
    """A PNG of rows as bytes, for what PIL does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def packed(numbers, depth):
    """Each row with several numbers in a byte, the first in the highest bits."""
    bits = np.unpackbits(numbers.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth :]
    return np.packbits(bits.reshape(HEIGHT, -1), axis=1)


def numbers(below):
    return random.randint(0, below, (HEIGHT, WIDTH)).astype(np.uint8)


def indexed(below, **options):
    image = Image.fromarray(numbers(below), "P")
    image.putpalette(PALETTE[: 3 * below] if below < 256 else PALETTE)
    return saved(image, **options)


deep = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
FILES = {
    "palette": indexed(256),
    "palette of 4 bits": indexed(16, bits=4),
    "palette of 2 bits": indexed(4, bits=2),
    "palette of 1 bit": indexed(2, bits=1),
    "palette with a transparent colour": indexed(256, transparency=0),
    "grey": saved(Image.fromarray(numbers(256), "L")),
    "grey of 1 bit": saved(Image.fromarray(numbers(2).astype(bool))),
    "grey of 2 bits": png(2, 0, packed(numbers(4), 2)),
    "grey of 4 bits": png(4, 0, packed(numbers(16), 4)),
    "grey of 16 bits": saved(Image.fromarray(deep)),
}


def main():
    cases = {}
    for name, data in FILES.items():
        with Image.open(io.BytesIO(data)) as image:
            cases[name] = {"file": base64.b64encode(data).decode(), "numbers": np.asarray(image).astype(int).flatten().tolist()}
    folder = os.path.join(os.path.dirname(__file__), "../test/fixtures")
    with open(os.path.join(folder, "masks.json"), "w") as file:
        json.dump({"height": HEIGHT, "width": WIDTH, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")


main()
