/*
kernel normalize_bytes(i < 1000, c < 3) {
  read image: u8[3000]
  read seed: u32[1]
  write y: f32[3000]
  y[i*3 + c] = threefry(seed[0], 1u, u32(i), 0u) < 1073741824u ? image[i*3 + c]*0.00392156862745098 : 0
}
grid 47,1,1
*/
// normalize_bytes
@group(0) @binding(0) var<storage, read_write> image: array<u32, 750>;
@group(0) @binding(1) var<storage, read_write> seed: array<u32, 1>;
@group(0) @binding(2) var<storage, read_write> y: array<f32, 3000>;

// Threefry-2x32-20 (Salmon et al. 2011), first word.
fn threefry(key: vec2u, counter: vec2u) -> u32 {
  let k2 = key.x ^ key.y ^ 0x1bd11bdau;
  var x = counter + key;
  x = threefry_rounds(x, vec4u(13u, 15u, 26u, 6u)) + vec2u(key.y, k2 + 1u);
  x = threefry_rounds(x, vec4u(17u, 29u, 16u, 24u)) + vec2u(k2, key.x + 2u);
  x = threefry_rounds(x, vec4u(13u, 15u, 26u, 6u)) + vec2u(key.x, key.y + 3u);
  x = threefry_rounds(x, vec4u(17u, 29u, 16u, 24u)) + vec2u(key.y, k2 + 4u);
  x = threefry_rounds(x, vec4u(13u, 15u, 26u, 6u)) + vec2u(k2, key.x + 5u);
  return x.x;
}
fn threefry_rounds(start: vec2u, rotations: vec4u) -> vec2u {
  var x = start;
  x.x += x.y; x.y = ((x.y << rotations.x) | (x.y >> (32u - rotations.x))) ^ x.x;
  x.x += x.y; x.y = ((x.y << rotations.y) | (x.y >> (32u - rotations.y))) ^ x.x;
  x.x += x.y; x.y = ((x.y << rotations.z) | (x.y >> (32u - rotations.z))) ^ x.x;
  x.x += x.y; x.y = ((x.y << rotations.w) | (x.y >> (32u - rotations.w))) ^ x.x;
  return x;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let point = (group * 64) + lane;
  if (3000 <= point) { return; }
  let v = u32(point);
  let i = i32(v / 3u);
  let i_1 = (i * 3) + i32(v % 3u);
  var v_1: f32;
  let v_2 = u32(i_1);
  let i_2 = i32(v_2 / 4u);
  let v_3 = u32(i32(v_2 % 4u)) * 8u;
  if (threefry(vec2u(seed[0], 1u), vec2u(u32(i), 0u)) < 1073741824u) {
    v_1 = f32((image[i_2] >> v_3) & 255u) * 0.003921569;
  } else {
    v_1 = 0.0;
  }
  y[i_1] = v_1;
}
