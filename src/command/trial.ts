/** What `check` tries: reads each file that it names, chooses each proxy, builds each sink and encodes a sample with it. */
import { parseWebFile } from "../config/web-file.ts";
import type { Loaded } from "../config/load.ts";
import { fromDefault, inReadingOrder, type Problem } from "../config/problem.ts";
import { secureOptions } from "../endpoint/tls.ts";
import { catalogue } from "../meter/catalogue.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import { seriesSet } from "../metric/series.ts";
import { filesIn } from "../daemon/trust.ts";
import { sinkContextOf, systemAuthorities } from "../sink-context.ts";
import { causeOf } from "../runtime/cause.ts";
import { defined } from "../runtime/defined.ts";
import { readBounded } from "../runtime/files.ts";
import { proxyFor } from "../runtime/http/proxy.ts";
import { createTrust } from "../runtime/http/trust.ts";
import type { HttpSettings } from "../runtime/http/schema.ts";
import { silentLogger } from "../runtime/log.ts";
import { fileSecret } from "../runtime/secret.ts";
import { receiversOf, type Receiver, type SinkContext } from "../sink/index.ts";
import { childEnvironment } from "../source/child.ts";
import type { Trial } from "./check.ts";
import { reportTrust } from "./preflight.ts";
import type { CommandContext } from "./context.ts";

/** As large as a certificate bundle gets. */
const mostBytes = 4 * 1024 * 1024;

/** In reading order; empty where a start would find nothing wrong. */
async function exercise(loaded: Loaded, context: CommandContext): Promise<readonly Problem[]> {
  const { configuration } = loaded;
  const found: (readonly [path: string, message: string])[] = [];
  for (const [key, path] of filesIn(configuration)) found.push(...attempt(key, () => useFile(key, path)));
  // No tool is asked about the machine for this.
  const machine = { ask: () => Promise.resolve({}) };
  const env = { ...context.env, ...loaded.proxies };
  const environment = childEnvironment(env);
  const deps = { ...context, env, environment, startedAt: 0 };
  const authorities = systemAuthorities(deps, silentLogger);
  const sinks = sinkContextOf(configuration, deps, silentLogger, authorities, machine);
  for (const receiver of receiversOf(configuration)) {
    found.push(...attempt(receiver.path, () => chooseProxy(receiver, env)));
    found.push(
      ...attempt(`${receiver.path}.tls_config`, () => {
        trustOf(receiver);
      }),
    );
    found.push(...(await encodeOne(receiver, sinks)));
  }
  const places = new Set<string>();
  const problems = found.flatMap(([path, message]): Problem[] => {
    // A file that can't be read is reported with its own key, not once more with its section.
    if ([...places].some((known) => known.startsWith(`${path}.`)) || places.has(path)) return [];
    places.add(path);
    return [{ origin: originOf(path, loaded), path, message }];
  });
  return inReadingOrder(problems);
}

/** Of the value, or of the first one inside. */
function originOf(path: string, { origins }: Loaded): Problem["origin"] {
  const inside = [...origins].find(([key, { kind }]) => kind !== "default" && key.startsWith(`${path}.`));
  return origins.get(path) ?? inside?.[1] ?? fromDefault;
}

function attempt(path: string, act: () => void): readonly (readonly [string, string])[] {
  try {
    act();
    return [];
  } catch (error) {
    return [[path, causeOf(error)]];
  }
}

function useFile(key: string, path: string): void {
  if (key === "web.config_file") useWebFile(path);
  else if (/(?:password|credentials)_file$/.test(key)) fileSecret(path).reveal();
  else if (readBounded(path, mostBytes).length === 0) throw new Error(`${path} must not be empty`);
}

function useWebFile(path: string): void {
  const parsed = parseWebFile(path, readBounded(path, mostBytes));
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  const tls = parsed.config.tls_server_config;
  if (tls !== undefined) secureOptions(tls);
}

function chooseProxy({ settings, address }: Receiver, env: CommandContext["env"]): void {
  proxyFor(new URL(address), settings as HttpSettings, env);
}

function trustOf({ settings }: Receiver): void {
  createTrust((settings as HttpSettings).tls_config).options();
}

/** One value of every metric: what a real machine may ever send. */
function sample(): Snapshot {
  const series = [...catalogue.values()].map((metric) => ({ name: metric.name, labels: [], metric }));
  return {
    source: "check",
    time: 1_700_000_000_000,
    starts: {},
    set: seriesSet(series),
    values: new Float64Array(series.length).fill(1),
    ended: [],
  };
}

async function encodeOne(
  receiver: Receiver,
  context: SinkContext,
): Promise<readonly (readonly [string, string])[]> {
  try {
    await using sink = await receiver.open(context);
    for (const protocol of sink.protocols) sink.encode({ snapshots: [sample()] }, protocol);
    return [];
  } catch (error) {
    return [[receiver.path, `cannot be used: ${causeOf(error)}`]];
  }
}

/** For `check` of a user. */
export function trialOf(context: CommandContext): Trial {
  return {
    problems: (loaded) => exercise(loaded, context),
    trust({ configuration, file }) {
      return reportTrust(defined({ configuration, simulated: false, file }), context);
    },
  };
}
