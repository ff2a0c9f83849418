(;
kernel softmax(row < 64) {
  read x: f32[64000]
  write y: f32[64000]
  %0 = max i < 1000 of x[row*1000 + i]
  %1 = sum j < 1000 of exp(x[row*1000 + j] - %0)
  for j2 < 1000: y[row*1000 + j2] = exp(x[row*1000 + j2] - %0)/%1
}
{"units":64,"grain":6,"scratchBytes":0,"margin":12}
;)
;; softmax
;;   x: f32[64000] read
;;   y: f32[64000] write
(module
(import "env" "memory" (memory 1 65536 shared))
(func $exp (param $x v128) (result v128) (local $n v128) (local $r v128) (local $i v128) (local $h v128)
  ;; What is no number stays: these take the first operand where they cannot compare. They are one instruction, and max and min are seven.
  (local.set $x (f32x4.pmax (f32x4.pmin (local.get $x) (v128.const f32x4 89 89 89 89)) (v128.const f32x4 -105 -105 -105 -105)))
  ;; Beside 1.5 * 2^23 floats are whole numbers, and the last bits of such a float are those of n.
  (local.set $i (f32x4.madd (local.get $x) (v128.const f32x4 1.4426950408889634 1.4426950408889634 1.4426950408889634 1.4426950408889634) (v128.const f32x4 12582912 12582912 12582912 12582912)))
  (local.set $n (f32x4.sub (local.get $i) (v128.const f32x4 12582912 12582912 12582912 12582912)))
  (local.set $r (f32x4.madd (local.get $n) (v128.const f32x4 0.00021219444 0.00021219444 0.00021219444 0.00021219444) (f32x4.madd (local.get $n) (v128.const f32x4 -0.693359375 -0.693359375 -0.693359375 -0.693359375) (local.get $x))))
  (local.set $i (i32x4.sub (local.get $i) (v128.const i32x4 1262485504 1262485504 1262485504 1262485504)))
  (local.set $h (i32x4.shr_s (local.get $i) (i32.const 1)))
  (f32x4.mul
    (f32x4.mul
      (f32x4.add
        (f32x4.madd (f32x4.mul (local.get $r) (local.get $r))
          (f32x4.madd (f32x4.madd (f32x4.madd (f32x4.madd (f32x4.madd (v128.const f32x4 0.000198756915 0.000198756915 0.000198756915 0.000198756915) (local.get $r) (v128.const f32x4 0.0013981999507 0.0013981999507 0.0013981999507 0.0013981999507)) (local.get $r) (v128.const f32x4 0.0083334519073 0.0083334519073 0.0083334519073 0.0083334519073)) (local.get $r) (v128.const f32x4 0.041665795894 0.041665795894 0.041665795894 0.041665795894)) (local.get $r) (v128.const f32x4 0.16666665459 0.16666665459 0.16666665459 0.16666665459)) (local.get $r) (v128.const f32x4 0.50000001201 0.50000001201 0.50000001201 0.50000001201)) (local.get $r))
        (v128.const f32x4 1 1 1 1))
      (i32x4.shl (i32x4.add (local.get $h) (v128.const i32x4 127 127 127 127)) (i32.const 23)))
    (i32x4.shl (i32x4.add (i32x4.sub (local.get $i) (local.get $h)) (v128.const i32x4 127 127 127 127)) (i32.const 23))))
(func $run (export "run") (param $args i32) (param $time i32) (param $begin i32) (param $end i32) (param $scratch i32) (param $kept i32) (param $fresh i32) (param $first i32) (local $i0 i32) (local $v1 v128) (local $v2 v128) (local $f3 f32) (local $i4 i32) (local $v5 v128) (local $v6 v128) (local $f7 f32) (local $i8 i32) (local $i9 i32) (local $i10 i32) (local $i11 i32) (local $i12 i32) (local $v13 v128) (local $v14 v128) (local $i15 i32) (local $i16 i32) (local $i17 i32) (local $v18 v128) (local $v19 v128)
  (local.set $i0 (local.get $begin))
  (local.set $i10 (i32.load offset=0 (local.get $args)))
  (local.set $i15 (i32.load offset=4 (local.get $args)))
  (loop $l0
    (local.set $v1 (v128.const f32x4 -inf -inf -inf -inf))
    (local.set $v2 (v128.const f32x4 -inf -inf -inf -inf))
    (local.set $f3 (f32.const -inf))
    (local.set $i4 (i32.const 0))
    (local.set $i11 (i32.mul (local.get $i0) (i32.const 4000)))
    (local.set $i12 (i32.add (local.get $i10) (local.get $i11)))
    (loop $l1
      (local.set $v1 (f32x4.max (local.get $v1) (v128.load offset=0 (i32.add (local.get $i12) (i32.shl (local.get $i4) (i32.const 2))))))
      (local.set $v2 (f32x4.max (local.get $v2) (v128.load offset=0 (i32.add (local.get $i12) (i32.shl (i32.add (local.get $i4) (i32.const 4)) (i32.const 2))))))
      (br_if $l1 (i32.lt_s (local.tee $i4 (i32.add (local.get $i4) (i32.const 8))) (i32.const 1000))))
    (local.set $v5 (v128.const f32x4 0 0 0 0))
    (local.set $v6 (v128.const f32x4 0 0 0 0))
    (local.set $f7 (f32.const 0))
    (local.set $i8 (i32.const 0))
    (local.set $v13 (f32x4.max (local.get $v1) (local.get $v2)))
    (local.set $v14 (f32x4.splat (f32.max (f32.max (f32.max (f32.max (f32x4.extract_lane 0 (local.get $v13)) (f32x4.extract_lane 1 (local.get $v13))) (f32x4.extract_lane 2 (local.get $v13))) (f32x4.extract_lane 3 (local.get $v13))) (local.get $f3))))
    (loop $l2
      (local.set $v5 (f32x4.add (local.get $v5) (call $exp (f32x4.sub (v128.load offset=0 (i32.add (local.get $i12) (i32.shl (local.get $i8) (i32.const 2)))) (local.get $v14)))))
      (local.set $v6 (f32x4.add (local.get $v6) (call $exp (f32x4.sub (v128.load offset=0 (i32.add (local.get $i12) (i32.shl (i32.add (local.get $i8) (i32.const 4)) (i32.const 2)))) (local.get $v14)))))
      (br_if $l2 (i32.lt_s (local.tee $i8 (i32.add (local.get $i8) (i32.const 8))) (i32.const 1000))))
    (local.set $i9 (i32.const 0))
    (local.set $i16 (i32.add (local.get $i15) (local.get $i11)))
    (local.set $v18 (f32x4.add (local.get $v5) (local.get $v6)))
    (local.set $v19 (f32x4.splat (f32.add (f32.add (f32.add (f32.add (f32x4.extract_lane 0 (local.get $v18)) (f32x4.extract_lane 1 (local.get $v18))) (f32x4.extract_lane 2 (local.get $v18))) (f32x4.extract_lane 3 (local.get $v18))) (local.get $f7))))
    (loop $l3
      (local.set $i17 (i32.shl (local.get $i9) (i32.const 2)))
      (v128.store offset=0 (i32.add (local.get $i16) (local.get $i17)) (f32x4.div (call $exp (f32x4.sub (v128.load offset=0 (i32.add (local.get $i12) (local.get $i17))) (local.get $v14))) (local.get $v19)))
      (br_if $l3 (i32.lt_s (local.tee $i9 (i32.add (local.get $i9) (i32.const 4))) (i32.const 1000))))
    (br_if $l0 (i32.lt_s (local.tee $i0 (i32.add (local.get $i0) (i32.const 1))) (local.get $end)))))
)
