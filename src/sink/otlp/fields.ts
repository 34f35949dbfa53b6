/** What all of OTLP's messages share on the wire: tags and attributes. */
import protobuf from "protobufjs/minimal.js";
import type { LabelPair } from "../../metric/series.ts";
import { owned } from "../byte-writer.ts";

/** Tags: field number × 8 + wire type (2 has a length, 1 is eight bytes, 0 is a varint). */
export const field = (number: number, wire: 0 | 1 | 2): number => number * 8 + wire;

/** KeyValue{1 key, 2 AnyValue{1 string}} */
export function encodeAttributes(pairs: readonly LabelPair[], tag: number): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, value] of pairs) {
    writer.uint32(tag).fork().uint32(field(1, 2)).string(name);
    writer.uint32(field(2, 2)).fork().uint32(field(1, 2)).string(value).ldelim().ldelim();
  }
  return owned(writer.finish());
}
