/** A page of made-up content on a real endpoint, for what a running agent would not show on demand. */
import { startEndpoint, type Endpoint } from "../../src/endpoint/server.ts";
import { createFeed } from "../../src/status/feed.ts";
import { apiRoutes } from "../../src/endpoint/status-api.ts";
import type { StatusBoard } from "../../src/status/board.ts";
import { pageRoutes } from "../../src/endpoint/page/routes.ts";
import { boundsOf } from "../../src/status/time-range.ts";
import type { Status } from "../../src/status/status.ts";
import { parseWebFile } from "../../src/config/web-file.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/log.ts";

export interface FixedPage extends AsyncDisposable {
  readonly url: string;
}

export async function servePage(status: Status): Promise<FixedPage> {
  const times = Array.from({ length: 120 }, (_, index) => status.time - (120 - index) * 5000);
  const board: StatusBoard = {
    feed: createFeed(systemClock, () => JSON.stringify(status)),
    status: () => ({ ...status, configuration: "log:\n  level: info\n" }),
    history(range) {
      const { fromMs, toMs } = boundsOf(range, status.time, times[0]);
      const time = times.filter((each) => each >= fromMs && each <= toMs);
      const keys = ["power.cpu", "power.gpu", ...status.readings.cores.map(({ core }) => `core.${core}`)];
      const valuesOf = (): number[] => time.map((each) => times.indexOf(each) % 50);
      const columns = Object.fromEntries(keys.map((key) => [key, valuesOf()]));
      return {
        version: 1,
        ...(typeof range === "string" && { range }),
        fromMs,
        toMs,
        origin: "journal",
        groups: time.length === 0 ? [] : [{ source: "powermetrics", time, columns }],
      };
    },
  };
  const endpoint: Endpoint = await startEndpoint(
    { listen_addresses: ["127.0.0.1:0"], allowed_hosts: [] },
    {
      latest: () => [],
      ready: () => ({ ready: true }),
      hostname: "localhost",
      routes: [...apiRoutes(board), ...pageRoutes(board)],
      webParser: () => Promise.resolve(parseWebFile),
      clock: systemClock,
      log: silentLogger,
    },
  );
  return {
    url: `http://127.0.0.1:${endpoint.addresses[0]?.port ?? 0}/`,
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}
