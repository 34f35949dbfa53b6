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
exec bin/mac-powermetrics-agent install "$@"
