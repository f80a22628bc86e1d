#!/bin/sh
# Installs the Debian packages of boards/packages.txt that are missing: as
# root or through sudo; where neither is there, says what to install.
set -eu
here=$(dirname "$0")
missing=
while read -r package program; do
    case $package in "#"*|"") continue ;; esac
    [ -n "$program" ] && command -v "$program" >/dev/null && continue
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done < "$here/packages.txt"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "This is no Debian-like machine: install what matches these Debian packages yourself, then run make again with PACKAGES=skip:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "Missing packages and no root rights. Run this, then make again:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086  # one word a package
$as_root apt-get install -q -y --no-install-recommends $missing
