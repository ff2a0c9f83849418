/*
kernel softmax(row < 8) {
  read x: f32[16000]
  write y: f32[16000]
  %0 = max i < 2000 of x[row*2000 + i]
  %1 = sum j < 2000 of exp(x[row*2000 + j] - %0)
  for j2 < 2000: y[row*2000 + j2] = exp(x[row*2000 + j2] - %0)/%1
}
  with 0,1
kernel double(i < 300) {
  read x0: f32[300]
  write y: f32[300]
  y[i] = x0[i]*2
}
  with 2,3
kernel column_sum(n < 10) {
  read x: f32[640]
  read-write y: f32[10]
  %0 = sum b < 64 of x[b*10 + n]
  y[n] = y[n] + %0
}
  with 4,5
grid 11,1,1
*/
// softmax_and_double_and_column_sum
@group(0) @binding(0) var<storage, read_write> p0: array<f32, 16000>;
@group(0) @binding(1) var<storage, read_write> p1: array<f32, 16000>;
@group(0) @binding(2) var<storage, read_write> p2: array<f32, 300>;
@group(0) @binding(3) var<storage, read_write> p3: array<f32, 300>;
@group(0) @binding(4) var<storage, read_write> p4: array<f32, 640>;
@group(0) @binding(5) var<storage, read_write> p5: array<f32, 10>;
var<workgroup> partial: array<f32, 256>;

// A run-time value: constant expressions must be finite in WGSL.
var<private> infinity_bits: u32 = 0x7f800000u;
fn infinity() -> f32 { return bitcast<f32>(infinity_bits); }

// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// The built-in may leave out what is no number; a sum does not.
fn larger(x: f32, y: f32) -> f32 { return select(max(x, y), x + y, is_nan(x) || is_nan(y)); }

fn part_0(workgroup_id: vec3u, group: i32, lane: i32) {
  let part = lane;
  let row = group;
  var acc = -infinity();
  let i = row * 2000;
  for (var item = part; item < 2000; item += 256) {
    let i_1 = i + item;
    let p0_v = p0[i_1];
    acc = larger(acc, p0_v);
  }
  partial[lane] = acc;
  workgroupBarrier();
  if (part < 128) {
    partial[lane] = larger(partial[lane], partial[lane + 128]);
  }
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
  for (var item_1 = part; item_1 < 2000; item_1 += 256) {
    let i_2 = i + item_1;
    let p0_v_1 = p0[i_2];
    let v = exp(p0_v_1 - result);
    acc_1 += v;
  }
  partial[lane] = acc_1;
  workgroupBarrier();
  if (part < 128) {
    partial[lane] = partial[lane] + partial[lane + 128];
  }
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
  for (var item_2 = part; item_2 < 2000; item_2 += 256) {
    let i_3 = i + item_2;
    let p0_v_2 = p0[i_3];
    let v_1 = exp(p0_v_2 - result);
    p1[i_3] = v_1 / result_1;
  }
}

fn part_1(workgroup_id: vec3u, group: i32, lane: i32) {
  let point = (group * 256) + lane;
  if (300 <= point) { return; }
  p3[point] = p2[point] * 2.0;
}

fn part_2(workgroup_id: vec3u, group: i32, lane: i32) {
  let part = lane / 32;
  let row = min((group * 32) + (lane % 32), 9);
  let inside = ((group * 32) + (lane % 32)) < 10;
  var acc = 0.0;
  for (var item = part; item < 64; item += 8) {
    acc += p4[(item * 10) + row];
  }
  partial[lane] = acc;
  workgroupBarrier();
  if (part < 4) {
    partial[lane] = partial[lane] + partial[lane + 128];
  }
  workgroupBarrier();
  if (part < 2) {
    partial[lane] = partial[lane] + partial[lane + 64];
  }
  workgroupBarrier();
  if (part < 1) {
    partial[lane] = partial[lane] + partial[lane + 32];
  }
  workgroupBarrier();
  let result = partial[lane % 32];
  let v = p5[row] + result;
  if (inside & (part == 0)) {
    p5[row] = v;
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  if (group < 8) { part_0(workgroup_id, group, lane); } else
  if (group < 10) { part_1(workgroup_id, group - 8, lane); } else
  { part_2(workgroup_id, group - 10, lane); }
}
