/** Waits for an agent that was just started to say on /-/ready that it is. */
import type { Configuration } from "../config/schema.ts";
import { formatAddress, parseAddress } from "../runtime/address.ts";
import type { Clock } from "../runtime/clock.ts";
import { createHttpClient } from "../runtime/http/client.ts";
import { readJob } from "./service.ts";
import type { System } from "./system.ts";

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** One look; never throws. */
export type ReadyProbe = () => Promise<Readiness>;

const lookEveryMs = 500;
const requestTimeoutMs = 3000;
/** launchd waits longer between two starts of what fails at once. */
const steadyMs = 10_000;
/** Beyond that nobody waits for a first window: an agent that answers is good enough. */
const longestWindowMs = 120_000;

/** Of powermetrics and macOS themselves, on a busy machine. */
const startAllowanceMs = 15_000;

/** How long the first samples may take, milliseconds: a window, and one more where its document waits in powermetrics' buffer. */
export function firstSampleMs({ sources, web }: Configuration): number {
  const longest = longestInterval(sources);
  return web.enabled && longest <= longestWindowMs ? 2 * longest + startAllowanceMs : 0;
}

function longestInterval(sources: Configuration["sources"]): number {
  return Math.max(0, ...Object.values(sources).map(({ enabled, interval }) => (enabled ? interval : 0)));
}

/** Asks the endpoint of this configuration, over loopback. */
export function endpointProbe({ web, sources }: Configuration, clock: Clock): ReadyProbe {
  const path = longestInterval(sources) > longestWindowMs ? "/-/healthy" : "/-/ready";
  const [address = ""] = web.listen_addresses;
  const schemes = web.config_file === undefined ? ["http:"] : ["https:", "http:"];
  const urls = schemes.map((scheme) => new URL(`${scheme}//${localAddress(address)}${path}`));
  return async () => {
    let answer: Readiness = { ready: false, reason: "web.enabled is false" };
    for (const url of urls) {
      answer = await ask(url, clock);
      if (answer.ready) return answer;
    }
    return answer;
  };
}

/** An endpoint on every interface is asked on loopback. */
export function localAddress(text: string): string {
  const { host, port } = parseAddress(text) ?? { host: "", port: 0 };
  const everywhere = host === "" || host === "0.0.0.0" || host === "::";
  return formatAddress({ host: everywhere ? "127.0.0.1" : host, port });
}

async function ask(url: URL, clock: Clock): Promise<Readiness> {
  // Its certificate is for the name that others know it by.
  const settings = { tls_config: { insecure_skip_verify: true }, proxy_from_environment: false };
  await using client = createHttpClient(settings, { clock, env: {} });
  const reply = await client.send({ method: "GET", url, headers: {}, timeoutMs: requestTimeoutMs });
  if (reply.kind === "failure") return { ready: false, reason: reply.reason };
  // Who asks for a password or a certificate is there.
  if (reply.status === 200 || reply.status === 401) return { ready: true };
  const [line = ""] = reply.body.toString("utf8").split("\n", 1);
  return { ready: false, reason: line.slice(0, 200) || `status ${reply.status}` };
}

export async function waitUntilReady(probe: ReadyProbe, clock: Clock, timeoutMs: number): Promise<Readiness> {
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer.ready || clock.monotonic() >= deadline) return answer;
    await clock.sleep(lookEveryMs);
  }
}

/** Without an endpoint: the same process, running on. */
export function jobProbe(system: System): ReadyProbe {
  let seen: number | undefined;
  let since = 0;
  return async () => {
    const { state, pid } = await readJob(system);
    const now = system.clock.monotonic();
    if (pid === undefined || pid !== seen) since = now;
    seen = pid;
    if (pid === undefined) return { ready: false, reason: `job is ${state ?? "not loaded"}` };
    if (now - since >= steadyMs) return { ready: true };
    return { ready: false, reason: `process ${pid} has just started` };
  };
}
