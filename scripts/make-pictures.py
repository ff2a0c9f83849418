"""Writes test/fixtures/pictures.json: small picture files of every kind that PIL reads, the colours that it makes of them, and what its
resize, and crops and borders as torchvision defines them, make of one picture. Needs Pillow and NumPy:

    python3 scripts/make-pictures.py
"""

import base64
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HEIGHT, WIDTH = 9, 13
random = np.random.RandomState(1)


def ramps(channels, height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(x * 17 + y * 5 + k * 60) % 256 for k in range(channels)], -1).astype(np.uint8)


def base64_of(data):
    return base64.b64encode(bytes(data)).decode()


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def png(depth, colour, rows, chunks=b""):
    """A PNG of rows as bytes, for what PIL does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9))
    extra = b"".join(chunk(kind, data) for kind, data in chunks) if chunks else b""
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + chunk(b"IEND", b"")


def noise(count):
    return bytes(random.randint(0, 256, count).astype(np.uint8))


def files():
    rgb, four = ramps(3), ramps(4)
    colours, grey = Image.fromarray(rgb), Image.fromarray(rgb[..., 0])
    with_alpha, two = Image.fromarray(four, "RGBA"), Image.fromarray(np.ascontiguousarray(four[..., :2]), "LA")
    palette = colours.quantize(8)
    wide = Image.fromarray(random.randint(0, 700, (HEIGHT, WIDTH)).astype(np.uint16))
    yield "colours.png", encoded(colours, "PNG")
    yield "opacity.png", encoded(with_alpha, "PNG")
    yield "grey.png", encoded(grey, "PNG")
    yield "grey and opacity.png", encoded(two, "PNG")
    yield "palette.png", encoded(palette, "PNG")
    yield "palette and opacity.png", encoded(palette, "PNG", transparency=3)
    yield "one colour clear.png", encoded(colours, "PNG", transparency=tuple(int(v) for v in rgb[0, 0]))
    yield "black and white.png", encoded(grey.convert("1"), "PNG")
    yield "grey of 16 bits.png", encoded(wide, "PNG")
    for name, colour, samples in [("colours", 2, 3), ("opacity", 6, 4), ("grey and opacity", 4, 2)]:
        yield f"{name} of 16 bits.png", png(16, colour, [noise(WIDTH * samples * 2) for _ in range(HEIGHT)])
    for depth in (1, 2, 4):
        rows = [noise((WIDTH * depth + 7) // 8) for _ in range(HEIGHT)]
        yield f"grey of {depth} bits.png", png(depth, 0, rows)
        yield f"palette of {depth} bits.png", png(depth, 3, rows, [(b"PLTE", noise(3 << depth)), (b"tRNS", b"\0\x80")])
    yield "gamma.png", png(8, 2, [row.tobytes() for row in rgb], [(b"gAMA", struct.pack(">I", 100000))])
    yield "colours.jpg", encoded(colours, "JPEG", quality=90)
    yield "without subsampling.jpg", encoded(colours, "JPEG", quality=90, subsampling=0)
    yield "half subsampling.jpg", encoded(colours, "JPEG", quality=75, subsampling=1)
    yield "progressive.jpg", encoded(colours, "JPEG", quality=90, progressive=True)
    yield "restarts.jpg", encoded(colours, "JPEG", quality=90, subsampling=0, restart_marker_blocks=1)
    yield "grey.jpg", encoded(grey, "JPEG", quality=90)
    yield "inks.jpg", encoded(Image.fromarray(four, "CMYK"), "JPEG", quality=95)
    yield "inks.tif", encoded(Image.fromarray(four, "CMYK"), "TIFF")
    yield "colours.tif", encoded(colours, "TIFF")
    yield "black and white.tif", encoded(grey.convert("1"), "TIFF")
    yield "grey of 16 bits.tif", encoded(wide, "TIFF")
    yield "colours.webp", encoded(colours, "WEBP", lossless=True)
    yield "opacity.webp", encoded(with_alpha, "WEBP", lossless=True, exact=True)
    yield "lossy.webp", encoded(colours, "WEBP", quality=80)
    yield "palette.gif", encoded(palette, "GIF")
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        yield f"turned {orientation}.jpg", encoded(colours, "JPEG", quality=90, exif=exif)
    yield "turned 6.png", encoded(colours, "PNG", exif=exif)


FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


def resize(image, size, filter):
    """torchvision.transforms.Resize"""
    if isinstance(size, int):
        short, long = min(image.size), max(image.size)
        other = int(size * long / short)
        height, width = (size, other) if image.height <= image.width else (other, size)
    else:
        height, width = size
    return image.resize((width, height), FILTERS[filter])


def center_crop(image, size):
    """torchvision.transforms.CenterCrop"""
    height, width = size
    top, left = int(round((image.height - height) / 2.0)), int(round((image.width - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


def pad(image, border, mode, fill):
    """torchvision.transforms.Pad"""
    rows, columns = border
    around = ((rows, rows), (columns, columns)) + ((0, 0),) * (np.array(image).ndim - 2)
    values = {"constant_values": fill} if mode == "constant" else {}
    return Image.fromarray(np.pad(np.array(image), around, mode=mode, **values))


def grayscale(image):
    return image.convert("L")


STEPS = {"resize": resize, "center_crop": center_crop, "pad": pad, "grayscale": grayscale}


def plans():
    for filter in FILTERS:
        for size in (8, 16, 40, [7, 11], [33, 20]):
            yield [("resize", {"size": size, "filter": filter})]
    bilinear = {"size": 17, "filter": "bilinear"}
    yield [("resize", bilinear), ("center_crop", {"size": [14, 14]})]
    yield [("resize", bilinear), ("center_crop", {"size": [16, 16]}), ("center_crop", {"size": [5, 9]})]
    yield [("grayscale", {}), ("resize", bilinear)]
    yield [("resize", bilinear), ("grayscale", {})]
    yield [("center_crop", {"size": [20, 20]}), ("resize", {"size": [9, 9], "filter": "lanczos"})]
    for mode in ("constant", "edge", "reflect"):
        yield [("pad", {"border": [3, 6], "mode": mode, "fill": 50}), ("grayscale", {}), ("resize", {"size": 12, "filter": "bicubic"})]
    yield [("center_crop", {"size": [6, 5]}), ("pad", {"border": [5, 4], "mode": "reflect", "fill": 0})]


def pixels(image):
    return {"height": image.height, "width": image.width, "levels": base64_of(np.array(image).tobytes())}


def main():
    pictures = {}
    for name, data in files():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        pictures[name] = {"file": base64_of(data), **pixels(image)}
    photo = np.clip(ramps(3, 23, 31).astype(int) // 2 + random.randint(0, 128, (23, 31, 3)), 0, 255).astype(np.uint8)
    cases = []
    for plan in plans():
        image = Image.fromarray(photo)
        for word, args in plan:
            image = STEPS[word](image, **args)
        cases.append({"steps": [{"word": word, "args": args} for word, args in plan], **pixels(image)})
    path = os.path.join(os.path.dirname(__file__), "../test/fixtures/pictures.json")
    with open(path, "w") as file:
        json.dump({"files": pictures, "picture": pixels(Image.fromarray(photo)), "cases": cases}, file, indent=0)
        file.write("\n")


main()
