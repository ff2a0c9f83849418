/*
kernel above_mean(p < 100) {
  read x: f32[800]
  write above: bool[800]
  write part: u8[800]
  write y: f32[800]
  %0 = sum r < 8 of x[p*8 + r]*0.125
  for s < 8: above[p*8 + s] = %0 + 0.01 < x[p*8 + s]
             part[p*8 + s] = u32(abs(x[p*8 + s]*20))
             y[p*8 + s] = x[p*8 + s] - %0
}
grid 2,1,1
*/
// above_mean
@group(0) @binding(0) var<storage, read_write> x: array<f32, 800>;
@group(0) @binding(1) var<storage, read_write> above: array<u32, 200>;
@group(0) @binding(2) var<storage, read_write> part: array<u32, 200>;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 800>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let point = (group * 64) + lane;
  if (100 <= point) { return; }
  var acc = 0.0;
  let i = point * 8;
  for (var r = 0; r < 8; r++) {
    acc += x[i + r] * 0.125;
  }
  let i_1 = point * 2;
  let v = acc + 0.01;
  for (var s = 0; s < 2; s++) {
    let i_2 = i_1 + s;
    let i_3 = s * 4;
    let i_4 = i + i_3;
    let i_5 = i_4 + 1;
    let i_6 = i_4 + 2;
    let i_7 = i_4 + 3;
    let x_v = x[i_4];
    let x_v_1 = x[i_5];
    let x_v_2 = x[i_6];
    let x_v_3 = x[i_7];
    let v_1 = ((u32(v < x_v) | (u32(v < x_v_1) << 8u)) | (u32(v < x_v_2) << 16u)) | (u32(v < x_v_3) << 24u);
    let v_2 = (((u32(abs(x_v * 20.0)) & 255u) | ((u32(abs(x_v_1 * 20.0)) & 255u) << 8u)) | ((u32(abs(x_v_2 * 20.0)) & 255u) << 16u)) | ((u32(abs(x_v_3 * 20.0)) & 255u) << 24u);
    let v_3 = x_v - acc;
    let v_4 = x_v_1 - acc;
    let v_5 = x_v_2 - acc;
    let v_6 = x_v_3 - acc;
    above[i_2] = v_1;
    part[i_2] = v_2;
    y[i_4] = v_3;
    y[i_5] = v_4;
    y[i_6] = v_5;
    y[i_7] = v_6;
  }
}
