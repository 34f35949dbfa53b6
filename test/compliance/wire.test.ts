/** What requests hold: one exposition with the series of all behaviours, sent in both versions, and judged by each behaviour. */
import test, { after, before } from "node:test";
import type { Exchange } from "./behaviour.ts";
import { histogramsExposition } from "./histograms.ts";
import { labelsExposition } from "./labels.ts";
import { version1, version2 } from "./message.ts";
import { metadataExposition } from "./metadata.ts";
import { startRecorder, type Recorder } from "./recorder.ts";
import { samplesExposition } from "./samples.ts";
import { sendAll, snapshotsOf } from "./stand-in.ts";
import { timesExposition, vanishing } from "./times.ts";
import { wireBehaviours } from "./behaviours.ts";

const exposition = [
  labelsExposition,
  samplesExposition,
  timesExposition,
  metadataExposition,
  histogramsExposition,
].join("");

let recorders: readonly Recorder[] = [];
let exchange: Exchange;

before(async () => {
  const began = Date.now() - 10_000;
  const [two, one] = [await startRecorder(), await startRecorder()];
  recorders = [two, one];
  const snapshots = snapshotsOf([exposition + vanishing, exposition, exposition], began);
  await sendAll(two.url, version2, snapshots);
  await sendAll(one.url, version1, snapshots);
  exchange = { two: two.requests, one: one.requests, began };
});

after(async () => {
  for (const recorder of recorders) await recorder[Symbol.asyncDispose]();
});

for (const { section, name, judge } of wireBehaviours) test(`${section}: ${name}`, () => judge(exchange));
