/** Where `top` gets its status from: a running agent, or sources of its own. */
import { createCollection } from "../../collection.ts";
import type { Configuration } from "../../config/schema.ts";
import type { History } from "../../status/history.ts";
import { statusVersion, type Status } from "../../status/status.ts";
import type { HistoryRange } from "../../status/time-range.ts";
import { createOwnMeter } from "../../meter/own-meter.ts";
import { latestSnapshots, stalenessLimit, type Snapshot } from "../../meter/snapshot.ts";
import { createHttpClient } from "../../runtime/http/client.ts";
import type { HttpSettings } from "../../runtime/http/schema.ts";
import { silentLogger } from "../../runtime/log.ts";
import { systemAuthorities } from "../../sink-context.ts";
import { literalSecret } from "../../runtime/secret.ts";
import { childEnvironment } from "../../source/child.ts";
import { createHeartbeat } from "../../source/heartbeat.ts";
import { createBoard } from "../../status/board.ts";
import type { CommandContext } from "../context.ts";

export interface Origin extends AsyncDisposable {
  /** For the last line of the screen. */
  readonly name: string;
  /** The present status, or why there is none. */
  ask(): Promise<Status | string>;
  /** The past, where there is one. */
  history(range: HistoryRange): Promise<History | undefined>;
}

const askTimeoutMs = 3000;
const mostBytes = 4 * 1024 * 1024;

/** @param base `http://127.0.0.1:9127`, with `user:password@` where the agent asks for it */
export function runningAgent(
  base: URL,
  context: CommandContext,
  tls: HttpSettings["tls_config"] = {},
): Origin {
  const { username, password } = base;
  const urlOf = (path: string): URL => new URL(path, base.origin);
  const { origin } = base;
  const client = createHttpClient(
    {
      tls_config: tls,
      ...(username !== "" && {
        basic_auth: {
          username: decodeURIComponent(username),
          password: literalSecret(decodeURIComponent(password)),
        },
      }),
    },
    { clock: context.clock, env: context.env, authorities: systemAuthorities(context, silentLogger) },
    { connectTimeoutMs: askTimeoutMs, maxBodyBytes: mostBytes, maxReadBytes: mostBytes },
  );
  const get = (path: string): ReturnType<typeof client.send> =>
    client.send({ method: "GET", url: urlOf(path), headers: {}, timeoutMs: askTimeoutMs });
  return {
    name: origin,
    async ask() {
      const reply = await get("/api/v1/status");
      if (reply.kind === "failure") return reply.reason;
      if (reply.status !== 200) return `unexpected status of ${origin}: got ${reply.status}, want 200`;
      return (
        (parseVersioned(reply.body.toString()) as Status | undefined) ??
        `unexpected answer of ${origin}: want a status of version 1`
      );
    },
    async history(range) {
      const reply = await get(`/api/v1/history?range=${range}`);
      if (reply.kind === "failure" || reply.status !== 200) return undefined;
      return parseVersioned(reply.body.toString()) as History | undefined;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The version is the promise that the rest is as the model says. */
function parseVersioned(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const versioned = typeof value === "object" && value !== null && "version" in value;
    return versioned && value.version === statusVersion ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody watches at ten-second steps. */
const longestIntervalMs = { powermetrics: 1000, vm_stat: 2000 };

/** Starts the sources of a configuration; nothing is stored or sent. */
export function ownSources(given: Configuration, context: CommandContext, simulated: boolean): Origin {
  const { clock } = context;
  const configuration = quickened(given);
  const stop = new AbortController();
  const intervals = new Map(
    Object.entries(configuration.sources).map(([name, { interval }]) => [name, interval]),
  );
  const latest = latestSnapshots((source) => stalenessLimit(intervals.get(source) ?? 0));
  const takers: ((snapshot: Snapshot) => void)[] = [(snapshot) => latest.put(snapshot)];
  const collection = createCollection(configuration, {
    ...context,
    log: silentLogger,
    simulated,
    environment: childEnvironment(context.env),
    restart: "backoff",
    heartbeat: createHeartbeat(clock),
    own: createOwnMeter(clock.now()),
    publish(snapshot) {
      for (const take of takers) take(snapshot);
    },
  });
  const board = createBoard({
    ...context,
    ...collection,
    simulated,
    instance: configuration.global.instance,
    watchesTasks: configuration.sources.powermetrics.tasks.enabled,
    latest: () => latest.current(clock.now()),
    sinks: () => [],
    events: () => [],
    facts: () => ({}),
    configurationText: () => "",
  });
  takers.push((snapshot) => board.published(snapshot));
  const running = collection.sources.map((source) => {
    const pipeline = collection.pipelines[source.name];
    return source.run(
      {
        ...pipeline,
        failed(failure) {
          pipeline.failed(failure);
          board.failed(source.name, failure);
        },
      },
      AbortSignal.any([stop.signal, context.signal]),
    );
  });
  return {
    name: simulated ? "simulator" : "own sources",
    ask: () => Promise.resolve(board.status()),
    history: (range) => Promise.resolve(board.history(range)),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

function quickened(configuration: Configuration): Configuration {
  const { powermetrics, vm_stat } = configuration.sources;
  return {
    ...configuration,
    sources: {
      ...configuration.sources,
      powermetrics: {
        ...powermetrics,
        interval: Math.min(powermetrics.interval, longestIntervalMs.powermetrics),
      },
      vm_stat: { ...vm_stat, interval: Math.min(vm_stat.interval, longestIntervalMs.vm_stat) },
    },
  };
}
