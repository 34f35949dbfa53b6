/** Waits for an agent that was just started to say on /-/ready that it is. */
import type { Configuration } from "../config/schema.ts";
import { formatAddress, parseAddress } from "../runtime/address.ts";
import type { Clock } from "../runtime/clock.ts";
import { createHttpClient } from "../runtime/http/client.ts";
import type { Layout } from "./layout.ts";
import { readJob, type Job } from "./service.ts";
import { lookAt, type System } from "./system.ts";
import { lastLines } from "./tail.ts";

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

/** Asks the endpoint of this configuration, over loopback, and whether it is the job's that answers. */
export function endpointProbe({ web, sources }: Configuration, system: System): ReadyProbe {
  const path = longestInterval(sources) > longestWindowMs ? "/-/healthy" : "/-/ready";
  const [address = ""] = web.listen_addresses;
  const schemes = web.config_file === undefined ? ["http:"] : ["https:", "http:"];
  const urls = schemes.map((scheme) => new URL(`${scheme}//${localAddress(address)}${path}`));
  return async () => {
    let answer: Readiness = { ready: false, reason: "web.enabled is false" };
    for (const url of urls) {
      answer = await ask(url, system.clock);
      if (answer.ready) return (await otherListener(url, system)) ?? answer;
    }
    return answer;
  };
}

/** An agent in a terminal, or one of another installation, may listen there already; without root lsof(8) shows nobody else's sockets. */
async function otherListener({ port }: URL, system: System): Promise<Readiness | undefined> {
  const { tool, layout, isRoot } = system;
  if (!isRoot) return undefined;
  const { pid } = await readJob(system);
  if (pid === undefined)
    return { ready: false, reason: `port ${port} is another program's: the job does not run` };
  const { code, stdout } = await tool([
    layout.lsof,
    ...["-nP", "-a", "-p", String(pid), `-iTCP:${port}`, "-sTCP:LISTEN", "-Fn"],
  ]);
  if (code === -1 || stdout.includes(`:${port}`)) return undefined;
  return {
    ready: false,
    reason: `port ${port} is another program's: process ${pid} of the job does not listen there`,
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

/** Gives up before the time is over where the job has ended for a reason that another start will not change. */
export async function waitUntilReady(
  probe: ReadyProbe,
  system: System,
  timeoutMs: number,
): Promise<Readiness> {
  const { clock, layout } = system;
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer.ready) return answer;
    const exit = failedExit(await readJob(system));
    if (exit !== undefined || clock.monotonic() >= deadline) {
      const reason = exit === undefined ? answer.reason : `a job that ended with exit status ${exit}`;
      return { ready: false, reason: `${reason}${lastLogLine(layout)}` };
    }
    await clock.sleep(lookEveryMs);
  }
}

/** EX_TEMPFAIL: the agent asks launchd to be started again. */
const temporaryFailure = 75;

function failedExit({ loaded, pid, lastExitCode }: Job): number | undefined {
  const hasFailed = loaded && pid === undefined && lastExitCode !== temporaryFailure;
  return hasFailed && lastExitCode !== 0 ? lastExitCode : undefined;
}

const longestLine = 500;

/** Of the agent's own log, or of what it said before that was open: of the one that was written to last. */
function lastLogLine({ log, standardError }: Layout): string {
  const [newest] = [log, standardError]
    .flatMap((path) => {
      const stat = lookAt(path);
      return stat?.isFile() === true && stat.size > 0 ? [{ path, mtimeMs: stat.mtimeMs }] : [];
    })
    .toSorted((a, b) => b.mtimeMs - a.mtimeMs);
  const line = newest === undefined ? "" : lastLines(newest.path, 1).trim().slice(0, longestLine);
  return line === "" ? "" : `; the last line of ${newest?.path ?? ""} is: ${line}`;
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
