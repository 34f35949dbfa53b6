/**
 * One delivery in a process of its own: opens a journal with a backlog and sends all of it to a receiver.
 * Prints `ready`, then what it cost. With `hold` it goes on trying instead of giving up, until it is ended.
 */
import { systemClock } from "../../src/runtime/clock.ts";
import { createDeliveryLoop } from "../../src/delivery/loop.ts";
import { settleForLongLife } from "../../src/runtime/long-life.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import { openAt } from "./open-journal.ts";

const [path = "", url = "", mode = "drain"] = process.argv.slice(2);
settleForLongLife();
using journal = openAt(path);
await using client = createHttpClient({}, { clock: systemClock, env: {} });
const identity = { job: "mac-powermetrics", instance: "Mac-Studio.local", externalLabels: {} };
await using sink = createRemoteWriteSink(remoteWriteSchema.parse({ url }), {
  client,
  identity,
  version: "0.0.0",
});

const cursor = journal.cursor(sink.id, { from: "oldest" });
const delivery = createDeliveryLoop({
  sink,
  cursor,
  pacing: {
    kind: "history",
    batchDeadlineMs: 0,
    minBackoffMs: 100,
    maxBackoffMs: 30_000,
    drainRate: 0,
    sampleAgeLimitMs: 0,
    mayOvertake: false,
  },
  listener: { requested: () => undefined, sent: () => undefined, dropped: () => undefined },
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
});

process.send?.("ready");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const before = process.cpuUsage();
const began = performance.now();
const rssBefore = process.memoryUsage.rss();
const waiting = cursor.backlog().snapshots;
/** The largest resident set while the first half of the backlog leaves, and the second. */
const peaks: [number, number] = [rssBefore, rssBefore];
const watch = setInterval(() => {
  const half = cursor.backlog().snapshots > waiting / 2 ? 0 : 1;
  peaks[half] = Math.max(peaks[half], process.memoryUsage.rss());
}, 20);
if (mode === "drain") delivery.finish();
await delivery.run(stop.signal);
clearInterval(watch);
const { user, system } = process.cpuUsage(before);
const { sent, dropped } = delivery.state();
process.send?.({
  sent,
  dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0),
  seconds: (performance.now() - began) / 1000,
  cpuSeconds: (user + system) / 1e6,
  grownMb: (process.resourceUsage().maxRSS * 1024 - rssBefore) / 2 ** 20,
  secondHalf: peaks[1] / peaks[0],
});
