#!/bin/sh
# On a machine with a GPU: tests and measures what pack.sh packed, and writes gpu.json: sh bench/gpu/run.sh FOLDER [STEP...] [--quick] [--within N]
# Steps are those of bench/gpu/steps.mjs; unless named, all that have no result yet. Several calls on one machine go on with one another's gpu.json, each
# folder having all that was measured so far; where a call may only take ten minutes, --within 560 leaves what could take longer for the next. Needs Python 3, which unpacks; PyTorch in it is measured beside.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 FOLDER [STEP...]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
pack=$(cd "$(dirname "$0")/../.." && pwd)/.gpu/pack.tar.xz
[ -e "$pack" ] || { echo "run: there is no $pack, which pack.sh makes" >&2; exit 2; }
work=${TMPDIR:-/tmp}/tlc-gpu-$(cksum <"$pack" | cut -d' ' -f1)
if [ ! -e "$work/commit" ]; then
  rm -rf "$work.new"
  mkdir -p "$work.new"
  python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1], "r:xz").extractall(sys.argv[2])' "$pack" "$work.new"
  rm -rf "$work"
  mv "$work.new" "$work"
fi

export PATH="$work/bin:$PATH"
export TLC_COMMIT="$(cat "$work/commit")"
export PYTORCH_PYTHON="${PYTORCH_PYTHON:-python3}"
# NVRTC among the packages of the Python that has PyTorch, which need not be the first to be called.
nvidia=$("$PYTORCH_PYTHON" -c 'import glob, site; print(":".join(path for at in site.getsitepackages() for path in glob.glob(at + "/nvidia/*/lib")))' 2>/dev/null) || nvidia=
[ -z "$nvidia" ] || export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$nvidia"
# Containers often have NVIDIA's driver without a loader, and its manifest where no loader looks.
ldconfig -p | grep -q 'libvulkan\.so\.1' || export LD_LIBRARY_PATH="$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ -z "${VK_DRIVER_FILES:-}" ]; then
  for manifest in /etc/vulkan/icd.d/nvidia_icd.json /usr/share/vulkan/icd.d/nvidia_icd.json /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
    if [ -e "$manifest" ]; then export VK_DRIVER_FILES="$manifest"; break; fi
  done
fi
cd "$work/main"
# A folder may be emptied between two calls.
export TLC_RESULTS_COPY="$work/gpu.json"
exec node bench/gpu/measure.mjs "$out/gpu.json" "$@"
