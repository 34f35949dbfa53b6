/** `check --connect`: every receiver is asked with an empty request, which stores nothing, and every target is scraped once. */
import type { SystemAuthorities } from "../runtime/http/trust.ts";
import { silentLogger } from "../runtime/log.ts";
import { receiversOf, type Receiver, type SinkContext } from "../sink/index.ts";
import type { SendResult, Sink } from "../sink/sink.ts";
import type { Connection, ConnectProbe } from "./check.ts";
import type { Configuration } from "../config/schema.ts";
import { scrapeClients, sinkContextOf, systemAuthorities } from "../sink-context.ts";
import { childEnvironment } from "../source/child.ts";
import type { CommandContext } from "./context.ts";

/** Beyond this a receiver's clock and ours differ by more than a request's way. */
const skewWorthTellingMs = 5000;

export function connectProbe(context: CommandContext): ConnectProbe {
  return async ({ configuration, proxies }) => {
    const env = { ...context.env, ...proxies };
    const asked = { ...context, env, environment: childEnvironment(env), startedAt: 0 };
    const authorities = systemAuthorities(asked, silentLogger);
    const sinkContext = sinkContextOf(configuration, asked, silentLogger, authorities);
    const [receivers, targets] = await Promise.all([
      Promise.all(
        receiversOf(configuration).map((receiver) => connect(receiver, sinkContext, context.signal)),
      ),
      scrapeTargets(configuration, asked, authorities),
    ]);
    return [...receivers, ...targets];
  };
}

async function scrapeTargets(
  { scrape_configs: configs, global }: Configuration,
  context: CommandContext,
  authorities: SystemAuthorities,
): Promise<readonly Connection[]> {
  if (configs.length === 0) return [];
  const { scrapeOnce } = await import("../scrape/scrapes.ts");
  const createClient = scrapeClients(context, silentLogger, authorities);
  const problems: Connection[] = [];
  const log = {
    ...silentLogger,
    warn: (message: string) => void problems.push({ target: "scrape_configs", ok: false, message }),
  };
  const scrapeContext = { ...context, log, instance: global.instance, createClient };
  const all = await scrapeOnce(configs, global, scrapeContext, context.signal);
  const tried = all.map(({ target: { job, url }, scraped }): Connection => {
    const { failure, series, durationMs } = scraped;
    return {
      target: `scrape_configs ${job} ${url.origin}${url.pathname}`,
      ok: failure === undefined,
      message: failure?.message ?? `answers with ${series} series in ${Math.round(durationMs)} ms`,
    };
  });
  return [...problems, ...tried];
}

async function connect(receiver: Receiver, context: SinkContext, signal: AbortSignal): Promise<Connection> {
  await using sink = await receiver.open(context);
  const { result, protocol } = await probe(sink, signal);
  return { target: `${receiver.name ?? receiver.path} ${receiver.address}`, ...verdict(result, protocol) };
}

/** Follows one switch of protocol, as delivery would. */
async function probe(sink: Sink, signal: AbortSignal): Promise<{ result: SendResult; protocol: string }> {
  const [first] = sink.protocols;
  const result = await sink.probe(first, signal);
  if (result.outcome.status !== "switch") return { result, protocol: first };
  const { protocol } = result.outcome;
  return { result: await sink.probe(protocol, signal), protocol };
}

function verdict(result: SendResult, protocol: string): Pick<Connection, "ok" | "message"> {
  const { outcome, durationMs } = result;
  if (outcome.status !== "delivered") {
    return { ok: false, message: `${outcome.reason} (${outcome.code}, ${outcome.status})` };
  }
  return { ok: true, message: `answers to ${protocol} in ${Math.round(durationMs)} ms${skewRemark(result)}` };
}

function skewRemark({ skewMs = 0 }: SendResult): string {
  if (Math.abs(skewMs) < skewWorthTellingMs) return "";
  return `; its clock is ${Math.abs(Math.round(skewMs / 1000))} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
}
