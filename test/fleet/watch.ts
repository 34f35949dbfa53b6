/** Watches a receiver while a phase lasts: what it stored, what it cost, its highest memory. */
import { setTimeout as wait } from "node:timers/promises";
import type { FleetReceiver } from "./receiver.ts";

/** Each absent when the receiver does not tell. */
export interface ReceiverCost {
  readonly program?: string;
  /** Samples, from the beginning to the end. */
  readonly stored?: number;
  readonly cores?: number;
  readonly rssBytes?: number;
}

export interface Watch {
  end(seconds: number): Promise<ReceiverCost>;
}

/** Seldom enough that answering costs the receiver nothing that shows. */
const lookMs = 2000;
/** VictoriaMetrics answers with what it said within the last second. */
const staleMs = 1100;

export async function watchReceiver({ vitals }: Pick<FleetReceiver, "vitals">): Promise<Watch> {
  const before = await vitals();
  let rssBytes = before.rssBytes;
  const stop = new AbortController();
  const looking = look();

  async function look(): Promise<void> {
    while (await elapsed(lookMs, stop.signal)) note(await vitals());
  }

  function note(seen: { readonly rssBytes?: number }): void {
    if (seen.rssBytes !== undefined) rssBytes = Math.max(rssBytes ?? 0, seen.rssBytes);
  }

  return {
    async end(seconds) {
      stop.abort();
      await looking;
      await wait(staleMs);
      const after = await vitals();
      note(after);
      const stored = difference(after.stored, before.stored);
      const cpuSeconds = difference(after.cpuSeconds, before.cpuSeconds);
      return {
        ...(after.program !== undefined && { program: after.program }),
        ...(stored !== undefined && { stored }),
        ...(cpuSeconds !== undefined && { cores: cpuSeconds / seconds }),
        ...(rssBytes !== undefined && { rssBytes }),
      };
    },
  };
}

/** False when it was ended before. */
function elapsed(ms: number, signal: AbortSignal): Promise<boolean> {
  return wait(ms, true, { signal }).catch(() => false);
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}
