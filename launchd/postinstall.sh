#!/bin/sh
# Runs as root where a package of package.sh is installed: secrets first, since the agent reads them as it starts; then the agent; then what is new in
# a configuration that was there before. No Mac has run it yet.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
root="/Library/Application Support/mac-powermetrics-agent"
secrets=/etc/mac-powermetrics-agent

if [ "${3:-/}" != / ]; then
  echo "cannot install on $3: launchd's job is of the running system" >&2
  exit 1
fi

for file in "$here/secrets/"*; do
  [ -f "$file" ] || continue
  mkdir -p "$secrets"
  rm -f "$secrets/${file##*/}"
  (umask 077 && cat "$file" >"$secrets/${file##*/}")
done

was_there=no
[ ! -f "$root/agent.yaml" ] || was_there=yes
if [ -f "$here/mdm.env" ]; then
  mkdir -p "$root"
  # install judges them with the configuration; what it refuses must not keep the agent from its next start.
  if [ -f "$root/mdm.env" ]; then
    cp -p "$root/mdm.env" "$root/mdm.env.old"
    trap 'mv -f "$root/mdm.env.old" "$root/mdm.env"' EXIT
  fi
  (umask 077 && cat "$here/mdm.env" >"$root/mdm.env")
fi
if [ -f "$here/agent.yaml" ] && [ $was_there = no ]; then
  /bin/sh "$here/release/install.sh" --config "$here/agent.yaml"
else
  /bin/sh "$here/release/install.sh"
fi
trap - EXIT
rm -f "$root/mdm.env.old"

# The account is there now; the agent reads what changes as that account.
if [ -f "$here/mdm.env" ]; then
  /usr/bin/chgrp _macagent "$root/mdm.env"
  chmod 640 "$root/mdm.env"
fi
for file in "$here/secrets/"*; do
  [ -f "$file" ] || continue
  /usr/bin/chgrp _macagent "$secrets/${file##*/}"
  chmod 640 "$secrets/${file##*/}"
done
if [ -f "$here/agent.yaml" ] && [ $was_there = yes ]; then
  /bin/sh "$here/release/config/examples/mdm/configure.sh" "$here/agent.yaml"
fi
