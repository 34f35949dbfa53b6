/** Remote write 2: gathered runs to the bytes of an `io.prometheus.write.v2.Request`. */
import protobuf from "protobufjs/minimal.js";
import type { Metric } from "../../metric/metric.ts";
import { createByteWriter, owned } from "../byte-writer.ts";
import type { Encoder } from "./encode-v1.ts";
import type { Run } from "./gather.ts";
import { sampleTemplates, startTimestampTails, writeTimeSeries } from "./samples.ts";
import type { WireSeries } from "./wire-series.ts";

/** All of a request but its samples. Batches name the same series again and again, in a few combinations of sources. */
interface Layout {
  readonly series: readonly WireSeries[];
  readonly symbols: Uint8Array;
  /** One for each of `series`. */
  readonly around: readonly { readonly before: Uint8Array; readonly after: Uint8Array }[];
}

/** All portions of a backlog's batches, and as many of live ones, whose combinations of sources change. */
const keptLayouts = 16;

export function createEncoderV2(): Encoder {
  const writer = createByteWriter();
  /** Latest first. */
  let layouts: readonly Layout[] = [];

  function layoutOf(runs: readonly Run[]): Layout {
    const layout = layouts.find((one) => fits(one, runs)) ?? createLayout(runs);
    layouts = [layout, ...layouts.filter((one) => one !== layout)].slice(0, keptLayouts);
    return layout;
  }

  return (snapshots) => {
    const templates = sampleTemplates(startTimestampTails(snapshots));
    return (runs) => {
      const layout = layoutOf(runs);
      writer.reserve(layout.symbols.length);
      writer.bytes(layout.symbols);
      runs.forEach((run, at) => {
        const around = layout.around[at];
        if (around !== undefined) writeTimeSeries(writer, 0x2a, run, templates, around);
      });
      return writer.finish();
    };
  };
}

function fits({ series }: Layout, runs: readonly Run[]): boolean {
  return series.length === runs.length && runs.every((run, at) => run.series === series[at]);
}

function createLayout(runs: readonly Run[]): Layout {
  const series = runs.map((run) => run.series);
  /** The empty text comes first, as the specification asks. */
  const symbols = new Map([["", 0]]);
  const refOf = (text: string): number => {
    const ref = symbols.get(text) ?? symbols.size;
    symbols.set(text, ref);
    return ref;
  };
  const around = series.map((one) => ({
    before: encodeLabelRefs(one, refOf),
    after: encodeMetadata(one.metric, refOf),
  }));
  return { series, symbols: encodeSymbols(symbols.keys()), around };
}

function encodeSymbols(symbols: Iterable<string>): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const symbol of symbols) writer.uint32(0x22).string(symbol);
  return owned(writer.finish());
}

function encodeLabelRefs({ labels }: WireSeries, refOf: (text: string) => number): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x0a).fork();
  for (const [name, value] of labels) writer.uint32(refOf(name)).uint32(refOf(value));
  return owned(writer.ldelim().finish());
}

const metricTypes = { counter: 1, gauge: 2, histogram: 3 } as const;

/** Type and help; the unit stands in the name. */
function encodeMetadata({ type, help }: Metric, refOf: (text: string) => number): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x2a).fork();
  writer.uint32(0x08).uint32(metricTypes[type]).uint32(0x18).uint32(refOf(help));
  return owned(writer.ldelim().finish());
}
