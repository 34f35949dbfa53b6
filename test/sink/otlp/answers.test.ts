/** What becomes of samples by every answer of an OTLP endpoint, through delivery and over real HTTP. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import protobuf from "protobufjs/minimal.js";
import { status, type Answer } from "../../conformance/receiver.ts";
import { createRig } from "../../conformance/rig.ts";
import { otlpJson, otlpProtobuf } from "../../conformance/subjects.ts";
import { disposableFolder, fastParent } from "../../support/folder.ts";

const binary = { "content-type": "application/x-protobuf" };
const json = { "content-type": "application/json" };
const html = { "content-type": "text/html" };

interface Exchange {
  /** What the requests held. */
  readonly requests: readonly (readonly number[])[];
  readonly dropped: Readonly<Record<string, number>>;
  readonly told: string;
}

/** One sample under this answer, and one after it, of a receiver that has taken others. */
async function exchange(answer: Answer, subject = otlpProtobuf): Promise<Exchange> {
  using folder = disposableFolder({ parent: fastParent });
  const rig = await createRig(subject, join(folder.path, "journal.db"), {});
  try {
    rig.append(0);
    await rig.arrived(0);
    rig.receiver.script.push(answer);
    rig.append(1);
    await rig.until(() => rig.receiver.seen.length > 1);
    rig.append(2);
    await rig.until(() => rig.state().backlog.snapshots === 0);
    const requests = rig.receiver.seen.slice(1).map(({ values }) => values);
    return { requests, dropped: rig.state().dropped, told: rig.told().join("\n") };
  } finally {
    await rig[Symbol.asyncDispose]();
  }
}

function partial(rejected: number, message: string): Answer {
  const inner = protobuf.Writer.create().uint32(0x08).int64(rejected).uint32(0x12).string(message).finish();
  const body = protobuf.Writer.create().uint32(0x0a).bytes(inner).finish();
  return (answer) => void answer.writeHead(200, binary).end(body);
}

test("a partial success is counted and told, and its samples are never sent again", async () => {
  const { requests, dropped, told } = await exchange(partial(1, "too old"));
  assert.deepEqual(requests, [[1], [2]]);
  assert.deepEqual(dropped, { rejected: 1 });
  assert.match(told, /1 of 1 rejected: too old/);

  const text = '{"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"too old"}}';
  const asJson = await exchange(status(200, json, text), otlpJson);
  assert.deepEqual([asJson.requests, asJson.dropped], [requests, dropped]);
  assert.match(asJson.told, /1 of 1 rejected: too old/);
});

test("under a good status nothing but a page is sent again: no warning, no emptiness, no garbage", async () => {
  const good = [
    partial(0, "use fewer labels"),
    partial(0, ""),
    status(200, binary, "\u00ff\u00ff"),
    status(202, json, "{"),
  ];
  for (const answer of good) {
    const { requests, dropped } = await exchange(answer);
    assert.deepEqual(requests, [[1], [2]]);
    assert.deepEqual(dropped, {});
  }
  assert.match((await exchange(partial(0, "use fewer labels"))).told, /warning: use fewer labels/);
});

test("what the receiver refuses for good is dropped, and what it may take later is sent again as it was", async () => {
  for (const code of [400, 422, 500]) {
    const { requests, dropped } = await exchange(status(code, {}, "no"));
    assert.deepEqual(requests, [[1], [2]], String(code));
    assert.deepEqual(dropped, { rejected: 1 }, String(code));
  }
  const again = [
    status(429),
    status(502, html, "<html>"),
    status(503),
    status(504),
    status(200, html),
    status(400, html),
    status(415),
    status(501),
  ];
  for (const [index, answer] of again.entries()) {
    const { requests, dropped } = await exchange(answer);
    assert.deepEqual(requests.slice(0, 2), [[1], [1]], String(index));
    assert.deepEqual(requests.flat().toSorted(), [1, 1, 2], String(index));
    assert.deepEqual(dropped, {}, String(index));
  }
});
