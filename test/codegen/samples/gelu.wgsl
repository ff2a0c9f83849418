/*
kernel gelu(i < 1000) {
  read x0: f32[1000]
  write y: f32[1000]
  y[i] = x0[i]*0.5*(1 + erf(x0[i]*0.7071067811865476))
}
grid 16,1,1
*/
// gelu
@group(0) @binding(0) var<storage, read_write> x0: array<f32, 1000>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 1000>;

// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

// Two least-squares fits, of erf(x)/x - 1 in x^2 and of -log(1 - erf(x)) in x: within 1e-7 of erf.
fn erf(x: f32) -> f32 {
  let a = min(abs(x), 4.0);
  let s = x * x;
  let near = x + x * (0.128379167 + s * (-0.376126349 + s * (0.112837144 + s * (-0.0268604775 + s * (0.00520378645 +
    s * (-0.000817485076 + s * 8.50989002e-5))))));
  let far = 1.0 - exp(0.000174438442 - a * (1.12951497 + a * (0.63334422 + a * (0.108286054 + a * (-0.0251253133 +
    a * (0.00417409716 + a * (-0.000435258931 + a * 2.11790311e-5)))))));
  return select(select(sign(x) * far, near, a < 0.9), x, is_nan(x));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
  let lane = i32(local_index);
  let group = i32(workgroup_id.x);
  let point = (group * 64) + lane;
  if (1000 <= point) { return; }
  let x0_v = x0[point];
  y[point] = (x0_v * 0.5) * (1.0 + erf(x0_v * 0.70710677));
}
