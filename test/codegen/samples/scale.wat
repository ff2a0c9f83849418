(;
kernel scale(i < 1000) {
  read x0: f32[1000]
  read x1: f32[1000]
  write y: f32[1000]
  y[i] = x0[i]*0.5/(x1[i] + 1)
}
{"units":1,"grain":19,"scratchBytes":0,"margin":12}
;)
;; scale
;;   x0: f32[1000] read
;;   x1: f32[1000] read
;;   y: f32[1000] write
(module
(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $args i32) (param $time i32) (param $begin i32) (param $end i32) (param $scratch i32) (param $kept i32) (param $fresh i32) (param $first i32) (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $i5 i32)
  (local.set $i0 (local.get $begin))
  (local.set $i2 (i32.load offset=8 (local.get $args)))
  (local.set $i4 (i32.load offset=0 (local.get $args)))
  (local.set $i5 (i32.load offset=4 (local.get $args)))
  (loop $l0
    (local.set $i1 (i32.const 0))
    (loop $l1
      (local.set $i3 (i32.shl (local.get $i1) (i32.const 2)))
      (v128.store offset=0 (i32.add (local.get $i2) (local.get $i3)) (f32x4.div (f32x4.mul (v128.load offset=0 (i32.add (local.get $i4) (local.get $i3))) (v128.const f32x4 0.5 0.5 0.5 0.5)) (f32x4.add (v128.load offset=0 (i32.add (local.get $i5) (local.get $i3))) (v128.const f32x4 1 1 1 1))))
      (br_if $l1 (i32.lt_s (local.tee $i1 (i32.add (local.get $i1) (i32.const 4))) (i32.const 1000))))
    (br_if $l0 (i32.lt_s (local.tee $i0 (i32.add (local.get $i0) (i32.const 1))) (local.get $end)))))
)
