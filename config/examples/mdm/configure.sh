#!/bin/sh
# Puts a changed configuration in force once the agent's own check has accepted it. Run as root, by device management, a package or launchd:
#
#     sh configure.sh FILE         agent.yaml gets the content of FILE
#     sh configure.sh --managed    agent.yaml gets the string Configuration of the managed preference dev.mac-powermetrics.agent
#
# Ends with 0 when it is in force, 1 when there is none to take or no agent, 2 for a wrong call, and 78 when check refused it: the old one stays.
set -eu

root="/Library/Application Support/mac-powermetrics-agent"
preference="/Library/Managed Preferences/dev.mac-powermetrics.agent.plist"
new="$root/agent.yaml.new"

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

[ -f "$root/agent.yaml" ] || fail "cannot change $root/agent.yaml: the agent is not installed"
trap 'rm -f "$new"' EXIT
# A copy keeps owner, group and mode; beside the old one the same mdm.env and the same relative paths hold.
cp -p "$root/agent.yaml" "$new"
case "${1:-}" in
  --managed)
    [ -f "$preference" ] || fail "cannot read $preference: no profile has set it"
    /usr/bin/plutil -extract Configuration raw -expect string -o - "$preference" >"$new" ||
      fail "cannot read the string Configuration of $preference"
    ;;
  "" | -*)
    echo "usage: sh configure.sh FILE | --managed" >&2
    exit 2
    ;;
  *) cat "$1" >"$new" || fail "cannot read $1" ;;
esac
"$root/current/bin/node" "$root/current/cli.js" check --config "$new"
mv -f "$new" "$root/agent.yaml"
/bin/launchctl kill SIGHUP system/dev.mac-powermetrics.agent
