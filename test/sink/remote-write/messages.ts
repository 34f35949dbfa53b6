/** Reads remote write bodies in tests: protobufjs with schemas of its own, so that the encoders are not their own judge. */
import protobuf from "protobufjs";
import { uncompress } from "snappyjs";
import { z } from "zod";

/** Values are read as 64 bits, since JavaScript would lose which NaN it was. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message WriteRequest1 { repeated TimeSeries1 timeseries = 1; repeated Metadata1 metadata = 3; }
  message TimeSeries1 { repeated Label labels = 1; repeated Sample samples = 2; }
  message Label { string name = 1; string value = 2; }
  message Sample { fixed64 value = 1; int64 timestamp = 2; int64 start = 3; }
  message Metadata1 { uint32 type = 1; string family = 2; string help = 4; string unit = 5; }
  message Request2 { repeated string symbols = 4; repeated TimeSeries2 timeseries = 5; }
  message TimeSeries2 {
    repeated uint32 refs = 1;
    repeated Sample samples = 2;
    Metadata2 metadata = 5;
    int64 reserved = 6;
  }
  message Metadata2 { uint32 type = 1; uint32 help = 3; uint32 unit = 4; }
`);

const sample = z.object({
  value: z.string().transform(BigInt),
  timestamp: z.string().transform(Number),
  start: z.string().transform(Number),
});
const request1 = z.object({
  timeseries: z.array(
    z.object({
      labels: z.array(z.object({ name: z.string(), value: z.string() })),
      samples: z.array(sample),
    }),
  ),
  metadata: z.array(z.unknown()),
});
const request2 = z.object({
  symbols: z.array(z.string()),
  timeseries: z.array(
    z.object({
      refs: z.array(z.number()),
      samples: z.array(sample),
      metadata: z.object({ type: z.number(), help: z.number(), unit: z.number() }),
      reserved: z.literal("0"),
    }),
  ),
});

export type DecodedSample = z.output<typeof sample>;

export interface DecodedSeries {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly DecodedSample[];
  /** Version 2 only. */
  readonly metadata?: { readonly type: number; readonly help: string; readonly unit: string };
}

export function decodeV1(block: Uint8Array): readonly DecodedSeries[] {
  const { timeseries, metadata } = request1.parse(decode("WriteRequest1", block));
  if (metadata.length > 0) throw new Error("unexpected metadata in version 1");
  return timeseries.map(({ labels, samples }) => ({
    labels: labels.map(({ name, value }) => [name, value]),
    samples,
  }));
}

/** Checks what the specification asks of symbols on the way. */
export function decodeV2(block: Uint8Array): readonly DecodedSeries[] {
  const { symbols, timeseries } = request2.parse(decode("Request2", block));
  if (symbols[0] !== "") throw new Error("symbols must begin with an empty text");
  if (new Set(symbols).size !== symbols.length) throw new Error("symbols must be unique");
  const text = (ref: number): string => {
    const symbol = symbols[ref];
    if (symbol === undefined) throw new Error(`reference ${ref} must be below ${symbols.length}`);
    return symbol;
  };
  return timeseries.map(({ refs, samples, metadata }) => {
    if (refs.length % 2 !== 0) throw new Error("references must come in pairs");
    const labels = refs.flatMap((ref, at) =>
      at % 2 === 0 ? [[text(ref), text(refs[at + 1] ?? -1)] as const] : [],
    );
    const { type, help, unit } = metadata;
    return { labels, samples, metadata: { type, help: text(help), unit: text(unit) } };
  });
}

function decode(name: string, block: Uint8Array): unknown {
  const type = root.lookupType(name);
  const message = type.decode(uncompress(block));
  return type.toObject(message, { longs: String, arrays: true, defaults: true });
}

/** The bits of a double that is no NaN. */
export function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
}

export const staleBits = 0x7ff0000000000002n;
export const nanBits = 0x7ff8000000000001n;
