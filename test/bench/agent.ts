/** Measures what the agent itself costs while it runs, without its children. */
import { setTimeout as wait } from "node:timers/promises";
import { bundled, fetchText, fromSource, startAgent, untilAnswer, type AgentWish } from "./agent-process.ts";
import { noProc } from "./process.ts";
import { aimTable, median, type Bench } from "./report.ts";
import { costTable, costsOf, measureAll, type Subject } from "./windows.ts";
import { usualChip } from "./workload.ts";

const chip = usualChip;

export const agent: Bench = {
  name: "agent",
  question: "what does the running agent cost, its children apart?",
  async run(plan) {
    if (noProc !== undefined)
      return [{ title: "The agent", columns: [], rows: [], notes: [`skipped: ${noProc}`] }];
    await using running = new AsyncDisposableStack();
    const bundle = running.use(await bundled());
    const wishes: Readonly<Record<string, AgentWish>> = {
      "bundle, 1 s": { program: bundle.program, intervalSeconds: 1, chip },
      "bundle, 10 s": { program: bundle.program, intervalSeconds: 10, chip },
      "source, 1 s": { program: fromSource, intervalSeconds: 1, chip },
      "source, 10 s": { program: fromSource, intervalSeconds: 10, chip },
      "bundle, 1 s, scraped each second": { program: bundle.program, intervalSeconds: 1, chip },
      "bundle, 1 s, without the flags of an installed agent": {
        program: bundle.withoutFlags,
        intervalSeconds: 1,
        chip,
      },
    };
    const subjects: Subject[] = [];
    for (const [name, wish] of Object.entries(wishes)) {
      const started = running.use(await startAgent(wish));
      await untilAnswer(`${started.origin}/metrics`, "powermetrics_info", started);
      if (name.endsWith("scraped each second")) running.use(scraping(`${started.origin}/metrics`));
      subjects.push({ name, process: started });
    }
    const measured = await measureAll(subjects, plan);
    const wakeups = costsOf(measured, "bundle, 1 s", "wakeupsPerSecond");
    return [
      costTable("The agent on a simulated M4 Pro, all at once", measured, [
        "CPU by schedstat and wakeups as voluntary context switches of all threads of the agent's own process; the simulated tools are other processes and not in it",
        "vm_stat each 10 s, sysctl each 30 s, pmset each 60 s as by default; no sink configured",
      ]),
      aimTable([
        { text: "wakeups a second at 1 s", measured: wakeups && median(wakeups), limit: 2, better: "below" },
      ]),
    ];
  },
};

/** Asks each second until disposed of. */
export function scraping(url: string): AsyncDisposable {
  const stop = new AbortController();
  const done = (async () => {
    while (!stop.signal.aborted) {
      await fetchText(url);
      await wait(1000, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
