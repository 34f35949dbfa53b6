/** What sinks are given in tests: a machine of which nothing is known. */
import type { SinkContext } from "../../src/sink/index.ts";

export function sinkContext(
  createClient: SinkContext["createClient"],
  { job = "j", instance = "i" }: { readonly job?: string; readonly instance?: string } = {},
): SinkContext {
  return {
    identity: { job, instance, externalLabels: {} },
    host: () => Promise.resolve({}),
    version: "0.0.0",
    startedAt: 0,
    createClient,
  };
}
