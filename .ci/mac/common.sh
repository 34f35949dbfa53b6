# What the scripts of this folder share. Sourced by bash, 3.2 as macOS has it; starts in the repository.
#
#     MAC_REPORTS   folder for what is kept of a run, default ./reports
#     MAC_PREFIX    works below this folder, with stub tools, instead of the system; for tests on other machines
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

reports=${MAC_REPORTS:-$PWD/reports}
prefix=${MAC_PREFIX:-}
label=dev.mac-powermetrics.agent
mkdir -p "$reports"

step() { printf '\n=== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# The Node.js of node_modules, for what needs one of at least 24; a runner's own may be older.
node() { "$PWD/node_modules/.bin/node" "$@"; }

# By root, who on hosted runners needs no password.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# One subcommand of a bundle, by root, under the prefix if there is one: agent BUNDLE VERB …
agent() {
  local bundle=$1 verb=$2
  shift 2
  as_root "$PWD/node_modules/.bin/node" "$bundle/cli.js" "$verb" ${prefix:+--prefix "$prefix"} "$@"
}

# Waits for a command to succeed, for at most a minute: until_true WHAT COMMAND …
until_true() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 240; tries++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.25
  done
  fail "waited a minute in vain for $what"
}
