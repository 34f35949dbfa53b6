/** Runs a real Pushgateway in tests, and reads what it holds of one Mac. */
import { spawnSync } from "node:child_process";
import { findReceiver, startReceiver, type Receiver } from "../../support/receivers.ts";

export function startPushgateway(): Promise<Receiver> {
  return startReceiver(
    "prometheus-pushgateway",
    (address) => [`--web.listen-address=${address}`],
    "/-/ready",
  );
}

/** Sample lines of a Mac's group, without those of the Pushgateway about its pushes. */
export async function linesOf(gateway: Receiver, instance: string): Promise<readonly string[]> {
  const lines = (await gateway.ask("/metrics")).split("\n");
  return lines.filter((line) => line.includes(`instance="${instance}"`) && !line.startsWith("push_"));
}

/** The metrics that promtool finds fault with, but for the Pushgateway's own. */
export async function findingsIn(gateway: Receiver): Promise<readonly string[]> {
  const { stdout, stderr } = spawnSync(findReceiver("promtool") ?? "promtool", ["check", "metrics"], {
    input: await gateway.ask("/metrics"),
    encoding: "utf8",
  });
  const names = `${stdout}${stderr}`.split("\n").map((line) => line.split(" ")[0] ?? "");
  return names.filter((name) => name !== "" && !/^(go|push|process|pushgateway)_/.test(name));
}
