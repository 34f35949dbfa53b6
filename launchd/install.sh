#!/bin/sh
# Installs the daemon from an unpacked release: checks the files, then runs "install" with the runtime in here.
# Options are those of "mac-powermetrics-agent install", such as --dry-run.
set -eu
cd "$(dirname "$0")"

if [ "$(uname -s)" != Darwin ]; then
  echo "cannot install here: launchd comes with macOS only" >&2
  exit 69
fi
/usr/bin/shasum -a 256 -c SHA256SUMS >/dev/null || {
  echo "cannot trust this folder: its files differ from SHA256SUMS; unpack the archive again" >&2
  exit 1
}
# A browser marks what it downloads, and Gatekeeper then refuses to start Node.js, which is signed but not notarized. The
# checksums have just been checked, so the mark may go. xattr also fails where there was none.
mark=com.apple.quarantine
if ! /usr/bin/xattr -dr "$mark" . 2>/dev/null &&
  { [ ! -x /usr/bin/xattr ] || /usr/bin/xattr -lr . 2>/dev/null | grep -q "$mark"; }; then
  echo "warning: cannot remove the mark of a download; if macOS refuses to start bin/node, run: sudo xattr -dr $mark '$PWD'" >&2
fi
exec bin/mac-powermetrics-agent install "$@"
