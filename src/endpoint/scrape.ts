/** Answers `/metrics`: the current snapshots as text, rendered and compressed once for as long as they stay the same. */
import { gzipSync } from "node:zlib";
import type { Snapshot } from "../meter/snapshot.ts";
import { contentTypes, exposition, type ExpositionFormat } from "./exposition.ts";
import { acceptsGzip, negotiateFormat } from "./negotiate.ts";
import { reply, type Route } from "./route.ts";

/** Below it the body fits into one packet anyway. */
const leastWorthGzip = 1400;

interface Rendered {
  readonly snapshots: readonly Snapshot[];
  readonly plain: Buffer;
  gzip?: Buffer;
}

export function metricsRoute(latest: () => readonly Snapshot[]): Route {
  const cache: Partial<Record<ExpositionFormat, Rendered>> = {};
  return {
    path: "/metrics",
    methods: ["GET"],
    handle({ request, response }) {
      const format = negotiateFormat(request.headers.accept);
      const rendered = (cache[format] = render(latest(), format, cache[format]));
      const encoding = request.headers["accept-encoding"]?.toString();
      const gzip = rendered.plain.length >= leastWorthGzip && acceptsGzip(encoding);
      reply(response, {
        status: 200,
        type: contentTypes[format],
        body: gzip ? compressed(rendered) : rendered.plain,
        headers: { vary: "Accept, Accept-Encoding", ...(gzip && { "content-encoding": "gzip" }) },
      });
    },
  };
}

/** Snapshots are immutable, so the same ones give the same bytes. */
function render(
  snapshots: readonly Snapshot[],
  format: ExpositionFormat,
  before: Rendered | undefined,
): Rendered {
  const same =
    before?.snapshots.length === snapshots.length &&
    snapshots.every((snapshot, index) => snapshot === before.snapshots[index]);
  return same ? before : { snapshots: [...snapshots], plain: Buffer.from(exposition(snapshots, format)) };
}

/** Level 1: the text is so repetitive that more effort gains little. In line, since a thread costs more than the work. */
function compressed(rendered: Rendered): Buffer {
  return (rendered.gzip ??= gzipSync(rendered.plain, { level: 1 }));
}
