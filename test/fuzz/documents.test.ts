/** powermetrics' stream, damaged anywhere: frames, property lists, samples and snapshots stay true, and every byte is accounted for. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import fc from "../support/property.ts";
import { createSourcePipelines, type SourcePipelines } from "../../src/meter/source-pipeline.ts";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { parsePlist, isArray, isDict, type PlistValue } from "../../src/parse/plist/reader.ts";
import { parsePowermetrics } from "../../src/parse/powermetrics.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { createFramer } from "../../src/source/frame.ts";
import { capture, simulated } from "../bench/workload.ts";
import { plain } from "../parse/apple-plist.ts";
import { powermetricsCaptures } from "../parse/captures.ts";
import { assertResult } from "./assertions.ts";
import { cut, hasLongLines, type Cut } from "./framing-model.ts";
import { fuzz } from "./fuzzing.ts";
import { mutated } from "./mutation.ts";

const start = Date.UTC(2026, 0, 5, 10);
const everything = { tasks: true, interrupts: true, frequencyResidency: true };
const small = simulated({ chip: "m1", samplers: ["cpu_power", "thermal"] }, start);
const intel = simulated({ chip: "intel" }, start);
const full = simulated(
  {
    chip: "m4",
    samplers: ["cpu_power", "gpu_power", "tasks", "network", "disk", "battery", "interrupts"],
    tasks: 5,
  },
  start,
);
/** The real ones are large, so the small and the odd of them are enough. */
const real = existsSync(new URL("../../../shared/captures/powermetrics/", import.meta.url))
  ? Object.values(powermetricsCaptures)
      .map(capture)
      .filter(({ length }) => length < 150_000)
  : [];
const bases = [small, intel, full, ...real];

const words = [
  ..."< > & \0 </ /> <? <!-- --> ]]> <plist> </plist> <dict> </dict> <array> </array> <dict/> <true/> &#0; &#xD800; &lt".split(
    " ",
  ),
  ...[
    "<?xml",
    "<![CDATA[",
    "<key>",
    "</key>",
    "<integer>",
    "<real>nan</real>",
    "<real>-inf</real>",
    "<integer>-1</integer>",
  ],
  ...[
    "<integer>99999999999999999999</integer>",
    "<date>2026-13-01T00:00:00Z</date>",
    "<real>1e309</real>",
    "<string>é</string>",
  ],
];

fuzz("a damaged document is read or refused, whatever is kept of it, and nothing that was kept changes", {
  inputs: mutated(bases, words),
  costs: 2,
  prepare: () => {
    for (const base of bases) assert.ok(parsePowermetrics(base).ok);
    return (bytes) => {
      const whole = parsePlist(bytes);
      if (!whole.ok) assertResult(whole);
      const part = parsePlist(bytes, { keep: (key) => key.length % 2 === 0 });
      if (whole.ok && part.ok) assertPart(part.value, whole.value);
      assertResult(parsePowermetrics(bytes, everything));
    };
  },
});

/** A repeated key may have its last value left out, so dicts are compared where both have containers or equal leaves. */
function assertPart(part: PlistValue, whole: PlistValue): void {
  if (isDict(part)) {
    assert.ok(isDict(whole));
    for (const key of part.keys()) assert.ok(whole.has(key), key);
  } else if (isArray(part)) {
    assert.ok(isArray(whole));
    assert.equal(part.length, whole.length);
  } else {
    assert.deepEqual(plain(part), plain(whole));
  }
}

function frame(bytes: Buffer, pieceSize: number, maxBytes: number): Cut {
  const frames: string[] = [];
  let lost = 0;
  let garbage = 0;
  const framer = createFramer({
    maxBytes,
    onFrame: (one) => void frames.push(one.toString("latin1")),
    onGarbage: (one) => (garbage += one.bytes),
    onDropped: (one) => (lost += one.bytes),
  });
  for (let at = 0; at < bytes.length; at += pieceSize) framer.push(bytes.subarray(at, at + pieceSize));
  framer.end();
  return { frames, lost, garbage };
}

const stream = Buffer.concat([
  small,
  Buffer.from("\n\0"),
  intel,
  Buffer.from("\nproc_pidpath 1460 failed(0)\n\0"),
  small,
]);

/** Of the stream's documents but one, to the end of its last tag. */
const longest = small.toString("latin1").trimEnd().length;

fuzz("a damaged stream gives the same frames in pieces of any size, and every byte is in one place", {
  inputs: fc.tuple(
    mutated([stream], words),
    fc.integer({ min: 1, max: 5000 }),
    fc.constantFrom(longest - 1, longest, 16 * 2 ** 20, 16 * 2 ** 20),
  ),
  compares: 0.4,
  prepare:
    (_, compared) =>
    ([bytes, size, maxBytes]) => {
      const text = bytes.toString("latin1");
      const pieces = frame(bytes, size, maxBytes);
      const wanted = cut(text, maxBytes);
      const atOnce = Buffer.from(text.replaceAll("\0", ""), "latin1");
      assert.deepEqual(frame(atOnce, bytes.length, maxBytes).frames, wanted.frames);
      // Where a document that is too large gives way to the next one depends on how much of both is there: not the sum.
      assert.equal(bytesOfDocuments(pieces), bytesOfDocuments(wanted));
      if (!hasLongLines(text)) assert.equal(pieces.garbage, wanted.garbage);
      for (const one of pieces.frames) assert.match(one, /^<(?:\?xml|plist)[^]*<\/plist>$/);
      if (bytes.length > maxBytes) return;
      compared();
      assert.deepEqual(pieces.frames, wanted.frames);
    },
});

function bytesOfDocuments({ frames, lost }: Cut): number {
  return frames.reduce((sum, { length }) => sum + length, lost);
}

function pipelinesTo(publish: (snapshot: Snapshot) => void): SourcePipelines {
  const settings = {
    tasks: { enabled: true, top: 3 },
    frequencyResidency: true,
    interrupts: true,
    simulated: true,
  };
  const intervals = { powermetrics: 1000, vm_stat: 1000, sysctl: 1000, pmset: 1000, ioreg: 1000 };
  return createSourcePipelines({ settings, intervals, own: createOwnMeter(0), log: silentLogger, publish });
}

fuzz("damaged documents one after another become snapshots in the order of time, their counters rising", {
  inputs: fc.array(fc.tuple(mutated([small, full], words), fc.integer({ min: -2000, max: 100_000 })), {
    minLength: 1,
    maxLength: 4,
  }),
  costs: 4,
  prepare: () => (documents) => {
    const published: Snapshot[] = [];
    const pipelines = pipelinesTo((snapshot) => void published.push(snapshot));
    let receivedAt = start;
    for (const [bytes, after] of documents) {
      receivedAt += after;
      pipelines.powermetrics.frame({ bytes, receivedAt });
    }
    assertSnapshots(published);
  },
});

function assertSnapshots(published: readonly Snapshot[]): void {
  let last = -Infinity;
  const sums = new Map<string, number>();
  for (const { time, set, values } of published) {
    assert.ok(Number.isSafeInteger(time), `time is ${time}`);
    assert.ok(time > last, `${time} after ${last}`);
    last = time;
    assert.equal(values.length, set.series.length);
    set.series.forEach(({ metric, name, labels }, at) => {
      const value = values[at] ?? NaN;
      assert.ok(Number.isFinite(value), `${name} is ${value}`);
      if (metric.type !== "counter" || metric.since !== "agent") return;
      const key = JSON.stringify([name, labels]);
      assert.ok(value >= (sums.get(key) ?? 0), `${name} fell from ${sums.get(key) ?? 0} to ${value}`);
      sums.set(key, value);
    });
  }
}
