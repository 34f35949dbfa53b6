/** Every sink, held to the same promises. */
import assert from "node:assert/strict";
import test from "node:test";
import { sinkSections } from "../../src/config/blocks.ts";
import { sinkConformance } from "./sink.ts";
import { otlpJson, otlpProtobuf, pushgateway, remoteWrite1, remoteWrite2 } from "./subjects.ts";

for (const subject of [remoteWrite1, remoteWrite2, otlpProtobuf, otlpJson, pushgateway])
  sinkConformance(subject);

test("every sink that can be configured is held to this suite", () => {
  assert.deepEqual(Object.keys(sinkSections).toSorted(), ["otlp", "pushgateway", "remote_write"]);
});
