// What compiler and runtime both know of a kernel's WebAssembly module.

/**
 * Where the flags of the imported memory's limits are: 0x03 for shared with a maximum. A runtime without shared memory makes that 0x01. The type section and
 * the import section come first, and the memory is the only import.
 */
export function sharedFlagAt(bytes: Uint8Array): number {
  let at = 8;
  const unsigned = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  at++;
  const types = unsigned();
  at += types + 1;
  unsigned();
  unsigned();
  for (let name = 0; name < 2; name++) {
    const length = unsigned();
    at += length;
  }
  return at + 1;
}
