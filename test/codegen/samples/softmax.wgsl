/*
kernel softmax(row < 64) {
  read x: f32[64000]
  write y: f32[64000]
  %0 = max i < 1000 of x[row*1000 + i]
  %1 = sum j < 1000 of exp(x[row*1000 + j] - %0)
  for j2 < 1000: y[row*1000 + j2] = exp(x[row*1000 + j2] - %0)/%1
}
grid 64,1,1
*/
// softmax
@group(0) @binding(0) var<storage, read_write> x: array<f32, 64000>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 64000>;
var<workgroup> partial: array<f32, 128>;

// A run-time value: constant expressions must be finite in WGSL.
var<private> infinity_bits: u32 = 0x7f800000u;
fn infinity() -> f32 { return bitcast<f32>(infinity_bits); }

// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// The built-in may leave out what is no number; a sum does not.
fn larger(x: f32, y: f32) -> f32 { return select(max(x, y), x + y, is_nan(x) || is_nan(y)); }

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let part = lane;
  let row = group;
  var acc = -infinity();
  let i = row * 1000;
  for (var item = part; item < 1000; item += 128) {
    let i_1 = i + item;
    let x_v = x[i_1];
    acc = larger(acc, x_v);
  }
  partial[lane] = acc;
  workgroupBarrier();
  if (part < 64) {
    partial[lane] = larger(partial[lane], partial[lane + 64]);
  }
  workgroupBarrier();
  if (part < 32) {
    partial[lane] = larger(partial[lane], partial[lane + 32]);
  }
  workgroupBarrier();
  if (part < 16) {
    partial[lane] = larger(partial[lane], partial[lane + 16]);
  }
  workgroupBarrier();
  if (part < 8) {
    partial[lane] = larger(partial[lane], partial[lane + 8]);
  }
  workgroupBarrier();
  if (part < 4) {
    partial[lane] = larger(partial[lane], partial[lane + 4]);
  }
  workgroupBarrier();
  if (part < 2) {
    partial[lane] = larger(partial[lane], partial[lane + 2]);
  }
  workgroupBarrier();
  if (part < 1) {
    partial[lane] = larger(partial[lane], partial[lane + 1]);
  }
  workgroupBarrier();
  let result = partial[0];
  workgroupBarrier();
  var acc_1 = 0.0;
  for (var item_1 = part; item_1 < 1000; item_1 += 128) {
    let i_2 = i + item_1;
    let x_v_1 = x[i_2];
    let v = exp(x_v_1 - result);
    acc_1 += v;
  }
  partial[lane] = acc_1;
  workgroupBarrier();
  if (part < 64) {
    partial[lane] = partial[lane] + partial[lane + 64];
  }
  workgroupBarrier();
  if (part < 32) {
    partial[lane] = partial[lane] + partial[lane + 32];
  }
  workgroupBarrier();
  if (part < 16) {
    partial[lane] = partial[lane] + partial[lane + 16];
  }
  workgroupBarrier();
  if (part < 8) {
    partial[lane] = partial[lane] + partial[lane + 8];
  }
  workgroupBarrier();
  if (part < 4) {
    partial[lane] = partial[lane] + partial[lane + 4];
  }
  workgroupBarrier();
  if (part < 2) {
    partial[lane] = partial[lane] + partial[lane + 2];
  }
  workgroupBarrier();
  if (part < 1) {
    partial[lane] = partial[lane] + partial[lane + 1];
  }
  workgroupBarrier();
  let result_1 = partial[0];
  for (var item_2 = part; item_2 < 1000; item_2 += 128) {
    let i_3 = i + item_2;
    let x_v_2 = x[i_3];
    let v_1 = exp(x_v_2 - result);
    y[i_3] = v_1 / result_1;
  }
}
