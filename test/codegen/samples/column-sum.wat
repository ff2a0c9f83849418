(;
kernel column_sum(n < 10) {
  read x: f32[640]
  read-write y: f32[10]
  %0 = sum b < 64 of x[b*10 + n]
  y[n] = y[n] + %0
}
{"units":1,"grain":39,"scratchBytes":0,"margin":12}
;)
;; column_sum
;;   x: f32[640] read
;;   y: f32[10] read_write
(module
(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $args i32) (param $time i32) (param $begin i32) (param $end i32) (param $scratch i32) (param $kept i32) (param $fresh i32) (param $first i32) (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $i3 i32) (local $i4 i32) (local $f5 f32) (local $i6 i32) (local $i7 i32) (local $i8 i32) (local $i9 i32) (local $i10 i32) (local $i11 i32) (local $i12 i32) (local $i13 i32) (local $i14 i32)
  (local.set $i0 (local.get $begin))
  (local.set $i7 (i32.load offset=0 (local.get $args)))
  (local.set $i10 (i32.load offset=4 (local.get $args)))
  (loop $l0
    (local.set $i1 (i32.const 0))
    (loop $l1
      (local.set $v2 (v128.const f32x4 0 0 0 0))
      (local.set $i3 (i32.const 0))
      (local.set $i8 (i32.shl (local.get $i1) (i32.const 2)))
      (local.set $i9 (i32.add (local.get $i7) (local.get $i8)))
      (loop $l2
        (local.set $v2 (f32x4.add (local.get $v2) (v128.load offset=0 (i32.add (local.get $i9) (i32.mul (local.get $i3) (i32.const 40))))))
        (br_if $l2 (i32.lt_s (local.tee $i3 (i32.add (local.get $i3) (i32.const 1))) (i32.const 64))))
      (local.set $i11 (i32.add (local.get $i10) (local.get $i8)))
      (v128.store offset=0 (local.get $i11) (f32x4.add (v128.load offset=0 (local.get $i11)) (local.get $v2)))
      (br_if $l1 (i32.lt_s (local.tee $i1 (i32.add (local.get $i1) (i32.const 4))) (i32.const 8))))
    (local.set $i4 (i32.const 8))
    (loop $l3
      (local.set $f5 (f32.const 0))
      (local.set $i6 (i32.const 0))
      (local.set $i12 (i32.shl (local.get $i4) (i32.const 2)))
      (local.set $i13 (i32.add (local.get $i7) (local.get $i12)))
      (loop $l4
        (local.set $f5 (f32.add (local.get $f5) (f32.load offset=0 (i32.add (local.get $i13) (i32.mul (local.get $i6) (i32.const 40))))))
        (br_if $l4 (i32.lt_s (local.tee $i6 (i32.add (local.get $i6) (i32.const 1))) (i32.const 64))))
      (local.set $i14 (i32.add (local.get $i10) (local.get $i12)))
      (f32.store offset=0 (local.get $i14) (f32.add (f32.load offset=0 (local.get $i14)) (local.get $f5)))
      (br_if $l3 (i32.lt_s (local.tee $i4 (i32.add (local.get $i4) (i32.const 1))) (i32.const 10))))
    (br_if $l0 (i32.lt_s (local.tee $i0 (i32.add (local.get $i0) (i32.const 1))) (local.get $end)))))
)
