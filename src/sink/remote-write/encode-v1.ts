/** Remote write 1: gathered runs to the bytes of a `prometheus.WriteRequest`. */
import protobuf from "protobufjs/minimal.js";
import { createByteWriter, owned } from "../byte-writer.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import type { Run } from "./gather.ts";
import { sampleTemplates, timestampTails, writeTimeSeries } from "./samples.ts";
import type { WireSeries } from "./wire-series.ts";

/** For a batch of snapshots: the message of some of its runs before compression, valid until the next call. Metadata travels with version 2 only. */
export type Encoder = (snapshots: readonly Snapshot[]) => (runs: readonly Run[]) => Uint8Array;

export function createEncoderV1(): Encoder {
  const writer = createByteWriter();
  const labels = new WeakMap<WireSeries, Uint8Array>();

  function labelsOf(series: WireSeries): Uint8Array {
    const bytes = labels.get(series) ?? encodeLabels(series);
    labels.set(series, bytes);
    return bytes;
  }

  return (snapshots) => {
    const templates = sampleTemplates(timestampTails(snapshots));
    return (runs) => {
      for (const run of runs) writeTimeSeries(writer, 0x0a, run, templates, { before: labelsOf(run.series) });
      return writer.finish();
    };
  };
}

function encodeLabels({ labels }: WireSeries): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, value] of labels) {
    writer.uint32(0x0a).fork().uint32(0x0a).string(name).uint32(0x12).string(value).ldelim();
  }
  return owned(writer.finish());
}
