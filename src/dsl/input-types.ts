// The element types of a network's inputs, and what to write for those that other languages have.

export const INPUT_TYPES: readonly string[] = ["f32", "i32"];

export const DTYPE_HINTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    float: "write `f32`",
    float32: "write `f32`",
    int: "write `i32`",
    int32: "write `i32`",
    int64: "write `i32`",
    f16: "inputs are `f32`; precision is a setting of the recipe",
    u8: "images are `f32` once they are normalized",
  }),
);
