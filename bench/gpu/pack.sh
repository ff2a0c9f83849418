#!/bin/sh
# Packs what a GPU machine without network or Node needs to test and measure this checkout: sh bench/gpu/pack.sh
# Writes .gpu/pack.tar.xz (some 50 MB): the committed files, a build, the packages that tests and benches use, this Node (or the one that
# NODE names), a Vulkan loader, and PyTorch's traces if they lie beside the checkout. Copy .gpu and bench/gpu/run.sh there; run.sh unpacks.
set -eu
cd "$(dirname "$0")/../.."
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "pack: packs for x86-64 Linux, on such a machine" >&2; exit 2; }
[ -z "$(git status --porcelain)" ] || { echo "pack: commit first; what is measured must have a name" >&2; exit 2; }
npm run --silent build

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/main" "$stage/bin" "$stage/lib" "$stage/shared"
git archive HEAD | tar -x -C "$stage/main"
git rev-parse --short HEAD >"$stage/commit"
cp -r dist "$stage/main/"
cp "${NODE:-$(node -p process.execPath)}" "$stage/bin/node"
! command -v strip >/dev/null 2>&1 || strip "$stage/bin/node"

# Neither what only checks or formats, nor other systems' binaries, nor what nobody reads there.
tar -c --exclude='.bench-*' --exclude='.cache' --exclude='.vite*' --exclude='*.map' --exclude='*.d.ts' --exclude='*.d.mts' --exclude='*_test.js' \
  --exclude='node_modules/typescript' --exclude='node_modules/@typescript-eslint' --exclude='node_modules/eslint*' --exclude='node_modules/@eslint*' \
  --exclude='node_modules/prettier' --exclude='node_modules/playwright-core' --exclude='node_modules/wabt' --exclude='node_modules/@types' --exclude='node_modules/webpack*' --exclude='node_modules/@webassemblyjs' \
  --exclude='node_modules/terser*' --exclude='node_modules/caniuse-lite' --exclude='node_modules/@rollup' \
  --exclude='node_modules/@webgpu' --exclude='*musl*' --exclude='node_modules/lightningcss*' \
  --exclude='webgpu/dist/darwin-universal' --exclude='webgpu/dist/linux-arm64' --exclude='webgpu/dist/win32-*' \
  --exclude='@tensorflow/*/dist/tf-*' --exclude='@tensorflow/*/src' node_modules | tar -x -C "$stage/main"

loader=$(ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*x86-64.* => //p' | head -n 1)
[ -z "$loader" ] || cp -L "$loader" "$stage/lib/libvulkan.so.1"
for trace in ../shared/golden/cnn-sgd* ../shared/golden/lstm-sgd*; do
  [ ! -e "$trace" ] || { mkdir -p "$stage/shared/golden" && cp "$trace" "$stage/shared/golden/"; }
done

mkdir -p .gpu
tar -c -C "$stage" . | xz -T2 --x86 --lzma2=preset=9 >.gpu/pack.tar.xz.new
mv .gpu/pack.tar.xz.new .gpu/pack.tar.xz
echo ".gpu/pack.tar.xz: $(du -m .gpu/pack.tar.xz | cut -f1) MB, commit $(cat "$stage/commit")"
