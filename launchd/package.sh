#!/bin/sh
# Makes a package for device management out of an unpacked release. Run it on a Mac; no Mac has run it yet.
#
#     sh launchd/package.sh [--config FILE] [--variables FILE] [--secret FILE] [--sign IDENTITY] [--output FILE]
#
#     --config      becomes agent.yaml, also where there is one already, if check accepts it
#     --variables   becomes mdm.env
#     --secret      becomes /etc/mac-powermetrics-agent/NAME, root:_macagent 0640; once for each
#     --sign        a "Developer ID Installer" identity of the keychain; without it only what needs no signature installs the package
#
# The release and these files lie among the package's scripts, and its payload is empty: what remains is what install makes, and the receipt.
set -eu
release=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

[ "$(uname -s)" = Darwin ] || fail "cannot make a package here: pkgbuild comes with macOS only"
[ -f "$release/SHA256SUMS" ] || fail "cannot make a package of $release: it must be an unpacked release, which has SHA256SUMS"
version=$(sed -n 's/.*"version":"\([^"]*\)".*/\1/p' "$release/lib/package.json")
output="mac-powermetrics-agent-$version.pkg"
identity=

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/empty" "$work/scripts/secrets"
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || fail "$1 must have a value"
  case "$1" in
    --config) cp "$2" "$work/scripts/agent.yaml" ;;
    --variables) cp "$2" "$work/scripts/mdm.env" ;;
    --secret) cp "$2" "$work/scripts/secrets/" ;;
    --sign) identity=$2 ;;
    --output) output=$2 ;;
    *) fail "unexpected option: got $1, want --config, --variables, --secret, --sign or --output" ;;
  esac
  shift 2
done

cp -Rp "$release" "$work/scripts/release"
cp "$release/launchd/postinstall.sh" "$work/scripts/postinstall"
chmod -R go-w "$work/scripts"
chmod 755 "$work/scripts/postinstall"
chmod -R go-rwx "$work/scripts/secrets"

/usr/bin/pkgbuild --root "$work/empty" --scripts "$work/scripts" --identifier dev.mac-powermetrics.agent --version "$version" \
  --ownership recommended "$work/component.pkg"
# MDM's own command for packages takes a signed distribution only.
/usr/bin/productbuild --package "$work/component.pkg" ${identity:+--sign "$identity"} "$output"
printf 'made %s\n' "$output"
