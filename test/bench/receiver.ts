/** The counting receiver as benchmarks see it. */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fetchText } from "./agent-process.ts";
import { message, startProcess } from "./process.ts";
import type { Received } from "./windows.ts";

const address = z.object({ port: z.number() });
const countsSchema = z.record(
  z.string(),
  z.object({ bytes: z.number(), samples: z.number(), requests: z.number() }),
);

export interface CountingReceiver extends AsyncDisposable {
  readonly origin: string;
  /** Where the sender called `name` sends to; any path may follow. */
  url(name: string): string;
  received(name: string): Promise<Received>;
}

/** @param serves whether it plays the scrape target too, with the simulated machine's series */
export async function startCounting({ port = 0, serves = false } = {}): Promise<CountingReceiver> {
  const script = fileURLToPath(new URL("./receiver-process.ts", import.meta.url));
  const args = [script, String(port), ...(serves ? ["--serve"] : [])];
  const started = startProcess(process.execPath, args, { ipc: true });
  const origin = `http://127.0.0.1:${address.parse(await message(started)).port}`;
  return {
    origin,
    url: (name) => `${origin}/${name}`,
    async received(name) {
      const counts = countsSchema.parse(JSON.parse((await fetchText(`${origin}/counts`)) ?? "{}"));
      return counts[name] ?? { bytes: 0, samples: 0, requests: 0 };
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
