/** What sinks are given in tests: a machine of which nothing is known. */
import type { SinkWorld } from "../../src/sink/index.ts";

export function sinkWorld(
  createClient: SinkWorld["createClient"],
  { job = "j", instance = "i" }: { readonly job?: string; readonly instance?: string } = {},
): SinkWorld {
  return {
    identity: { job, instance, externalLabels: {} },
    host: () => Promise.resolve({}),
    version: "0.0.0",
    startedAt: 0,
    createClient,
  };
}
