#!/bin/sh
# System packages that npm cannot bring: a software Vulkan driver, so that WebGPU runs where there is no GPU (Mesa's lavapipe),
# and with --browser a Chromium for the browser test. Debian and Ubuntu; elsewhere it says what is needed. Safe to run again:
# what is there already is left alone.
set -eu

browser=no
for argument in "$@"; do
  case "$argument" in
    --browser) browser=yes ;;
    *) echo "usage: $0 [--browser]" >&2; exit 2 ;;
  esac
done

# Mesa before 23.1 has a lavapipe, but one that Dawn refuses.
is_mesa_old() {
  version=$(dpkg-query -W -f='${Version}' mesa-vulkan-drivers 2>/dev/null) || return 1
  dpkg --compare-versions "$version" lt 23.1
}
has_driver() {
  ls /usr/share/vulkan/icd.d/*.json >/dev/null 2>&1 && ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' && ! is_mesa_old
}
has_browser() { command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; }

need_driver=yes
if has_driver; then need_driver=no; fi
need_browser=$browser
if has_browser; then need_browser=no; fi
if [ "$need_driver" = no ] && [ "$need_browser" = no ]; then exit 0; fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: not a Debian system. For WebGPU without a GPU install Mesa's lavapipe Vulkan driver (23.1 or newer) and the Vulkan loader." >&2
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  sudo=sudo
else
  echo "setup: needs root. Run: sudo $0 $*" >&2
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "setup: failed: $*" >&2
    exit 1
  fi
}

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
release=
if [ "$need_driver" = yes ] && [ "$codename" = bookworm ]; then
  # Bookworm's own Mesa 22.3 lacks Vulkan features that Dawn requires; its backports have a newer one. The entry is derived from the
  # installed one, so that a mirror stays the mirror.
  sources=/etc/apt/sources.list.d/debian.sources
  lines=/etc/apt/sources.list
  if grep -rqs 'bookworm-backports' /etc/apt/sources.list /etc/apt/sources.list.d; then
    :
  elif [ -f "$sources" ]; then
    # The first stanza is the main archive; a comment in it may name another place and is dropped.
    sed -n '/^#/d; s/^Suites: *bookworm\( .*\)*$/Suites: bookworm-backports/; /^$/q; p' "$sources" |
      $sudo tee /etc/apt/sources.list.d/tlc-backports.sources >/dev/null
  else
    sed -n 's/^\(deb .*[[:space:]]\)bookworm[[:space:]].*$/\1bookworm-backports main/p' "$lines" | head -n 1 |
      $sudo tee /etc/apt/sources.list.d/tlc-backports.list >/dev/null
  fi
  release="-t bookworm-backports"
fi

quietly $sudo apt-get update -q
if [ "$need_driver" = yes ]; then
  # shellcheck disable=SC2086 # two words or none
  quietly $sudo apt-get install -q -y --no-install-recommends $release mesa-vulkan-drivers
  quietly $sudo apt-get install -q -y --no-install-recommends libvulkan1
fi
if [ "$need_browser" = yes ]; then quietly $sudo apt-get install -q -y --no-install-recommends chromium; fi
