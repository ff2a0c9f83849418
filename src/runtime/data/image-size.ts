// Width, height and kind from the first bytes of a PNG or JPEG, so that checking a spec need not load an image library. Undefined where
// that takes more than a glance: another format, or a photograph that may be stored lying on its side.

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** `cmyk` and one channel of 16 bits are read otherwise than the rest. */
export interface PictureHeader extends ImageSize {
  readonly kind: "plain" | "cmyk" | "grey of 16 bits";
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function imageSize(bytes: Uint8Array): PictureHeader | undefined {
  if (bytes.length >= 26 && PNG_SIGNATURE.every((byte, i) => bytes[i] === byte)) return pngSize(bytes);
  return bytes[0] === 0xff && bytes[1] === 0xd8 ? jpegSize(bytes) : undefined;
}

function pngSize(bytes: Uint8Array): PictureHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  // A PNG can carry EXIF too, in a chunk that may come after the pixels: only the common header is trusted.
  if (hasAscii(bytes, "eXIf")) return undefined;
  const kind = bytes[24] === 16 && bytes[25] === 0 ? "grey of 16 bits" : "plain";
  return { width: view.getUint32(16), height: view.getUint32(20), kind };
}

function jpegSize(bytes: Uint8Array): PictureHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xe1) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), kind: bytes[at + 9] === 4 ? "cmyk" : "plain" };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function hasAscii(bytes: Uint8Array, word: string): boolean {
  const codes = Array.from(word, (letter) => letter.charCodeAt(0));
  return bytes.some((byte, i) => byte === codes[0] && codes.every((code, k) => bytes[i + k] === code));
}
