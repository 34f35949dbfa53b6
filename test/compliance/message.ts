/** Decodes what a sender of remote write sent, by the schemas beside this file: reflection, so that no encoder of ours judges itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { uncompress } from "snappyjs";
import { z } from "zod";

export const version1 = "prometheus.WriteRequest";
export const version2 = "io.prometheus.write.v2.Request";

export interface Sample {
  /** The double's bits. */
  readonly value: bigint;
  readonly timestamp: number;
  /** 0 where there is none, and in version 1. */
  readonly startTimestamp: number;
}

export interface Metadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export interface TimeSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly Sample[];
  readonly histograms: number;
  readonly exemplars: number;
  /** Version 2 only. */
  readonly metadata?: Metadata | undefined;
}

export interface Message {
  readonly name: typeof version1 | typeof version2;
  readonly series: readonly TimeSeries[];
  /** Version 2 only: the table of symbols, and every reference into it. */
  readonly symbols: readonly string[];
  readonly refs: readonly number[];
}

/** By the content type alone, as the specification asks of receivers. Throws for whatever the schema does not have. */
export function decodeMessage(contentType: string, body: Uint8Array): Message {
  const [, name = version1] = /^application\/x-protobuf(?:;proto=(\S+))?$/.exec(contentType) ?? [];
  return name === version2 ? decodeVersion2(body) : decodeVersion1(body);
}

const number = z.string().transform(Number);
const value = z.string().transform(BigInt);
const request1 = z.object({
  timeseries: z.array(
    z.object({
      labels: z.array(z.object({ name: z.string(), value: z.string() })),
      samples: z.array(z.object({ value, timestamp: number })),
    }),
  ),
  metadata: z.array(z.unknown()).length(0),
});
const request2 = z.object({
  symbols: z.array(z.string()),
  timeseries: z.array(
    z.object({
      labelsRefs: z.array(z.number()),
      samples: z.array(z.object({ value, timestamp: number, startTimestamp: number })),
      histograms: z.array(z.unknown()),
      exemplars: z.array(z.unknown()),
      metadata: z.object({ type: z.string(), helpRef: z.number(), unitRef: z.number() }).nullable(),
    }),
  ),
});

function decodeVersion1(body: Uint8Array): Message {
  const { timeseries } = request1.parse(decode(version1, body));
  const series = timeseries.map(({ labels, samples }) => ({
    labels: labels.map(({ name, value }) => [name, value] as const),
    samples: samples.map((sample) => ({ ...sample, startTimestamp: 0 })),
    histograms: 0,
    exemplars: 0,
  }));
  return { name: version1, series, symbols: [], refs: [] };
}

function decodeVersion2(body: Uint8Array): Message {
  const { symbols, timeseries } = request2.parse(decode(version2, body));
  const text = (ref: number): string =>
    symbols[ref] ?? assert.fail(`no symbol ${ref}, want < ${symbols.length}`);
  const series = timeseries.map(({ labelsRefs, samples, histograms, exemplars, metadata }) => ({
    labels: pairs(labelsRefs).map(([name, value]) => [text(name), text(value)] as const),
    samples,
    histograms: histograms.length,
    exemplars: exemplars.length,
    metadata:
      metadata === null
        ? undefined
        : {
            type: metadata.type,
            help: text(metadata.helpRef),
            unit: text(metadata.unitRef),
          },
  }));
  const refs = timeseries.flatMap(({ labelsRefs, metadata }) => [
    ...labelsRefs,
    metadata?.helpRef ?? 0,
    metadata?.unitRef ?? 0,
  ]);
  return { name: version2, series, symbols, refs };
}

function pairs(refs: readonly number[]): readonly (readonly [number, number])[] {
  assert.equal(refs.length % 2, 0, "references come in pairs");
  return refs.flatMap((ref, at) => (at % 2 === 0 ? [[ref, refs[at + 1] ?? NaN] as const] : []));
}

const root = new protobuf.Root();
for (const file of ["remote-write-1.proto", "remote-write-2.proto"])
  protobuf.parse(readFileSync(new URL(file, import.meta.url), "utf8"), root);

function decode(name: string, body: Uint8Array): unknown {
  const type = root.lookupType(name);
  const reader = protobuf.Reader.create(uncompress(body));
  reader.discardUnknown = false;
  const message = type.decode(reader);
  assert.ok(!hasUnknown(message), `${name} has fields that its schema does not have`);
  return type.toObject(message, { longs: String, enums: String, arrays: true, defaults: true });
}

function hasUnknown(part: unknown): boolean {
  if (Array.isArray(part)) return part.some(hasUnknown);
  if (!(part instanceof protobuf.Message)) return false;
  return part.$unknowns !== undefined || Object.values(part).some(hasUnknown);
}

/** Ends a series. */
export const staleBits = 0x7ff0000000000002n;

export function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
}

export function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? NaN;
}
