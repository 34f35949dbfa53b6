/** What the schemas of sinks with a backlog have in common. */
import * as z from "zod";
import { durationSetting } from "../runtime/setting.ts";

export const sinkName = () =>
  z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      "Name in logs and metrics, unique in this section; a block keeps its backlog under its name whatever else changes",
    );

/**
 * `queue_config`, with Prometheus' names where Prometheus has the key.
 *
 * @param maxSamples the protocol's own limit of samples a request
 */
export function queueConfigSchema(maxSamples: { readonly default: number; readonly most: number }) {
  return z.strictObject({
    max_samples_per_send: z
      .int()
      .min(1)
      .max(maxSamples.most)
      .default(maxSamples.default)
      .describe(`Most samples in one request, at most ${maxSamples.most}`),
    batch_send_deadline: durationSetting().prefault("5s").describe("Longest wait for a batch to fill up"),
    min_backoff: durationSetting().prefault("100ms").describe("First wait after a failed request"),
    max_backoff: durationSetting().prefault("30s").describe("Longest wait after failed requests"),
    drain_rate: z
      .int()
      .min(0)
      .default(20_000)
      .describe(
        "Samples a second while a backlog is sent, so that a fleet that comes back does not flood its receiver; 0 is unlimited",
      ),
    sample_age_limit: durationSetting()
      .prefault("0s")
      .describe("Samples older than this are dropped instead of sent; 0s sends everything the journal holds"),
  });
}

export type QueueConfig = z.output<ReturnType<typeof queueConfigSchema>>;
