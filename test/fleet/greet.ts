/** Asks a receiver first whether it takes an empty remote write, before a thousand Macs find out that it does not. */
import { systemClock } from "../../src/runtime/clock.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import type { RemoteWriteSettings } from "../../src/sink/remote-write/schema.ts";

/** Why it does not, one line; undefined when it does. */
export async function refusalOf(settings: RemoteWriteSettings): Promise<string | undefined> {
  await using sink = createRemoteWriteSink(settings, {
    client: createHttpClient(settings, { clock: systemClock, env: {} }),
    identity: { job: "fleet", instance: "greeting", externalLabels: {} },
    version: "0.0.0-fleet",
  });
  const { outcome } = await sink.probe(sink.protocols[0], AbortSignal.timeout(30_000));
  return outcome.status === "delivered" ? undefined : outcome.reason;
}
