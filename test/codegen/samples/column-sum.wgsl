/*
kernel column_sum(n < 10) {
  read x: f32[640]
  read-write y: f32[10]
  %0 = sum b < 64 of x[b*10 + n]
  y[n] = y[n] + %0
}
grid 2,1,1
*/
// column_sum
@group(0) @binding(0) var<storage, read_write> x: array<f32, 640>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 10>;
var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let part = lane / 8;
  let row = min((group * 8) + (lane % 8), 9);
  let inside = ((group * 8) + (lane % 8)) < 10;
  var acc = 0.0;
  for (var item = part; item < 64; item += 8) {
    acc += x[(item * 10) + row];
  }
  partial[lane] = acc;
  workgroupBarrier();
  if (part < 4) {
    partial[lane] = partial[lane] + partial[lane + 32];
  }
  workgroupBarrier();
  if (part < 2) {
    partial[lane] = partial[lane] + partial[lane + 16];
  }
  workgroupBarrier();
  if (part < 1) {
    partial[lane] = partial[lane] + partial[lane + 8];
  }
  workgroupBarrier();
  let result = partial[lane % 8];
  let v = y[row] + result;
  if (inside & (part == 0)) {
    y[row] = v;
  }
}
