(;
kernel segment_sum(p < 800) {
  read x: f32[512]
  read starts: i32[101]
  read order: i32[64]
  write y: f32[800]
  %0 = sum r in min(max(starts[p/8], 0), 64)..min(max(starts[p/8 + 1], 0), 64) of x[order[r]*8 + p%8]
  y[p] = max(%0, -9)
}
{"units":100,"grain":902,"scratchBytes":0,"margin":12}
;)
;; segment_sum
;;   x: f32[512] read
;;   starts: i32[101] read
;;   order: i32[64] read
;;   y: f32[800] write
(module
(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $args i32) (param $time i32) (param $begin i32) (param $end i32) (param $scratch i32) (param $kept i32) (param $fresh i32) (param $first i32) (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $i3 i32) (local $i4 i32) (local $i5 i32) (local $i6 i32) (local $i7 i32) (local $i8 i32) (local $i9 i32) (local $i10 i32) (local $i11 i32) (local $i12 i32) (local $i13 i32) (local $i14 i32) (local $i15 i32) (local $i16 i32) (local $i17 i32) (local $i18 i32)
  (local.set $i0 (local.get $begin))
  (local.set $i4 (i32.load offset=4 (local.get $args)))
  (local.set $i13 (i32.load offset=0 (local.get $args)))
  (local.set $i16 (i32.load offset=8 (local.get $args)))
  (local.set $i17 (i32.load offset=12 (local.get $args)))
  (loop $l0
    (local.set $i1 (i32.const 0))
    (local.set $i5 (i32.add (local.get $i4) (i32.shl (local.get $i0) (i32.const 2))))
    (local.set $i6 (i32.load offset=4 (local.get $i5)))
    (local.set $i7 (select (i32.const 0) (local.get $i6) (i32.lt_s (local.get $i6) (i32.const 0))))
    (local.set $i8 (i32.lt_s (local.get $i7) (i32.const 64)))
    (local.set $i10 (i32.load offset=0 (local.get $i5)))
    (local.set $i11 (select (i32.const 0) (local.get $i10) (i32.lt_s (local.get $i10) (i32.const 0))))
    (local.set $i12 (select (local.get $i11) (i32.const 64) (i32.lt_s (local.get $i11) (i32.const 64))))
    (local.set $i18 (i32.add (local.get $i17) (i32.shl (local.get $i0) (i32.const 5))))
    (loop $l1
      (local.set $v2 (v128.const f32x4 0 0 0 0))
      (local.set $i9 (select (local.get $i7) (i32.const 64) (local.get $i8)))
      (local.set $i3 (local.get $i12))
      (local.set $i14 (i32.shl (local.get $i1) (i32.const 2)))
      (local.set $i15 (i32.add (local.get $i13) (local.get $i14)))
      (if (i32.lt_s (local.get $i3) (local.get $i9)) (then
      (loop $l2
        (local.set $v2 (f32x4.add (local.get $v2) (v128.load offset=0 (i32.add (local.get $i15) (i32.shl (i32.load offset=0 (i32.add (local.get $i16) (i32.shl (local.get $i3) (i32.const 2)))) (i32.const 5))))))
        (br_if $l2 (i32.lt_s (local.tee $i3 (i32.add (local.get $i3) (i32.const 1))) (local.get $i9))))))
      (v128.store offset=0 (i32.add (local.get $i18) (local.get $i14)) (f32x4.max (local.get $v2) (v128.const f32x4 -9 -9 -9 -9)))
      (br_if $l1 (i32.lt_s (local.tee $i1 (i32.add (local.get $i1) (i32.const 4))) (i32.const 8))))
    (br_if $l0 (i32.lt_s (local.tee $i0 (i32.add (local.get $i0) (i32.const 1))) (local.get $end)))))
)
