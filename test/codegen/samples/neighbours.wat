(;
kernel neighbours(i < 1000) {
  read x: f32[1000]
  write y: f32[1000]
  y[i] = x[i] + (0 < i%10 ? x[i + -1] : 0)
}
{"units":100,"grain":1072,"scratchBytes":0,"margin":20}
;)
;; neighbours
;;   x: f32[1000] read
;;   y: f32[1000] write
(module
(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $args i32) (param $time i32) (param $begin i32) (param $end i32) (param $scratch i32) (param $kept i32) (param $fresh i32) (param $first i32) (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $i5 i32) (local $i6 i32) (local $i7 i32) (local $i8 i32) (local $i9 i32) (local $i10 i32)
  (local.set $i0 (local.get $begin))
  (local.set $i2 (i32.load offset=4 (local.get $args)))
  (local.set $i7 (i32.load offset=0 (local.get $args)))
  (local.set $i9 (i32.add (local.get $i7) (i32.const -4)))
  (loop $l0
    (local.set $i1 (i32.const 0))
    (local.set $i3 (i32.mul (local.get $i0) (i32.const 40)))
    (local.set $i4 (i32.add (local.get $i2) (local.get $i3)))
    (local.set $i8 (i32.add (local.get $i7) (local.get $i3)))
    (local.set $i10 (i32.add (local.get $i9) (local.get $i3)))
    (loop $l1
      (local.set $i5 (select (local.get $i1) (i32.const 6) (i32.lt_s (local.get $i1) (i32.const 6))))
      (local.set $i6 (i32.shl (local.get $i5) (i32.const 2)))
      (v128.store offset=0 (i32.add (local.get $i4) (local.get $i6)) (f32x4.add (v128.load offset=0 (i32.add (local.get $i8) (local.get $i6))) (v128.and (v128.load offset=0 (i32.add (local.get $i10) (local.get $i6))) (i32x4.lt_s (v128.const i32x4 0 0 0 0) (i32x4.add (i32x4.splat (local.get $i5)) (v128.const i32x4 0 1 2 3))))))
      (br_if $l1 (i32.lt_s (local.tee $i1 (i32.add (local.get $i1) (i32.const 4))) (i32.const 10))))
    (br_if $l0 (i32.lt_s (local.tee $i0 (i32.add (local.get $i0) (i32.const 1))) (local.get $end)))))
)
