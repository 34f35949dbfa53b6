/** Describes the machine in the sentence that stands beside every figure. */
import { cpus, loadavg, platform, release, totalmem } from "node:os";

export function machine(): string {
  const processors = cpus();
  const load = loadavg().map((value) => value.toFixed(2));
  return [
    `${processors[0]?.model.trim() ?? "unknown processor"}, ${processors.length} cores`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GB`,
    `${platform()} ${release()}`,
    `Node ${process.version}`,
    `load ${load.join(" ")} at the start`,
  ].join("; ");
}
