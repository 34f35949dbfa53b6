/** What stands at the end of each command's help: command lines to copy. */

export const examples: Readonly<Record<string, readonly string[]>> = {
  run: ["run --config agent.yaml", "run --simulate --web.listen-address 127.0.0.1:9127"],
  once: ["once --simulate --format summary", "once --format table --config agent.yaml"],
  replay: ["replay recording/", "replay --powermetrics stream.plist --format jsonl"],
  record: ["record recording --duration 90s"],
  simulate: [
    "simulate powermetrics --chip m4pro -f plist -i 1000 -n 1",
    "simulate ioreg --chip m1 -a -r -c AppleSmartBattery",
  ],
  check: ["check --config agent.yaml", "check --connect"],
  config: ["config example > agent.yaml", "config print --origins"],
  metrics: ["metrics --format json"],
  journal: [
    "journal stats",
    "journal export --since 24h --format openmetrics > day.txt",
    "journal forget remote_write-2",
  ],
  top: ["top", "top --simulate"],
  install: ["install --dry-run", "install --config agent.yaml"],
  uninstall: ["uninstall --dry-run", "uninstall --purge"],
  status: ["status --json"],
  logs: ["logs --follow"],
  doctor: ["doctor", "doctor --deep -o report.json"],
  version: ["version"],
  completion: ['completion zsh > "${fpath[1]}/_mac-powermetrics-agent"'],
};

/** Empty for a command without any. */
export function examplesOf(command: string): string {
  const lines = examples[command] ?? [];
  const title = lines.length === 1 ? "Example:" : "Examples:";
  return lines.length === 0
    ? ""
    : ["", title, ...lines.map((line) => `  mac-powermetrics-agent ${line}`)].join("\n");
}
