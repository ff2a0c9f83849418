/*
kernel segment_sum(p < 800) {
  read x: f32[512]
  read starts: i32[101]
  read order: i32[64]
  write y: f32[800]
  %0 = sum r in min(max(starts[p/8], 0), 64)..min(max(starts[p/8 + 1], 0), 64) of x[order[r]*8 + p%8]
  y[p] = max(%0, -9)
}
grid 13,1,1
*/
// segment_sum
@group(0) @binding(0) var<storage, read_write> x: array<f32, 512>;
@group(0) @binding(1) var<storage, read_write> starts: array<i32, 101>;
@group(0) @binding(2) var<storage, read_write> order: array<i32, 64>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 800>;

// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// The built-in may leave out what is no number; a sum does not.
fn larger(x: f32, y: f32) -> f32 { return select(max(x, y), x + y, is_nan(x) || is_nan(y)); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let point = (group * 64) + lane;
  if (800 <= point) { return; }
  var acc = 0.0;
  let v = u32(point);
  let i = i32(v / 8u);
  let i_1 = min(max(starts[i + 1], 0), 64);
  let i_2 = i32(v % 8u);
  for (var r = min(max(starts[i], 0), 64); r < i_1; r++) {
    acc += x[(order[r] * 8) + i_2];
  }
  y[point] = larger(acc, -9.0);
}
