/** Owns what sinks see of a configuration and of the world, for the daemon and for commands alike. */
import type { Configuration } from "./config/schema.ts";
import { createHttpClient } from "./runtime/http/client.ts";
import type { Logger } from "./runtime/log.ts";
import type { Identity } from "./sink/identity.ts";
import { readHostFacts, type HostFacts } from "./source/host.ts";
import type { SinkWorld } from "./sink/index.ts";
import type { Clock } from "./runtime/clock.ts";

export interface ReceiversWorld {
  readonly clock: Clock;
  /** For proxies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly hostname: string;
  /** As `process.platform` and `process.arch`. */
  readonly platform: string;
  readonly arch: string;
  /** What tools see of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends what is being asked of the system. */
  readonly signal: AbortSignal;
}

/** What the system tells of the machine, asked once whoever wants to know, since each time costs processes. */
export function machineOf({ sources }: Configuration, world: ReceiversWorld): () => Promise<HostFacts> {
  let asked: Promise<HostFacts> | undefined;
  return () => (asked ??= readHostFacts({ ...world, sysctl: sources.sysctl.command }));
}

export function sinkWorldOf(
  configuration: Configuration,
  world: ReceiversWorld,
  log: Logger,
  machine = machineOf(configuration, world),
): SinkWorld {
  return {
    identity: identityOf(configuration),
    host: async () => ({
      name: world.hostname,
      arch: world.arch,
      ...(await machine()),
    }),
    version: world.version,
    createClient: (http) => createHttpClient(http, { clock: world.clock, env: world.env, log }),
  };
}

function identityOf({ global }: Configuration): Identity {
  return { job: global.job, instance: global.instance, externalLabels: global.external_labels };
}
