import assert from "node:assert/strict";
import { appendFileSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { createFramer } from "../../src/source/frame.ts";
import {
  openRecorder,
  readRecording,
  type RecordedFrame,
  type Recorder,
} from "../../src/source/recording.ts";
import type { SourceName } from "../../src/parse/sample.ts";
import { temporaryFolder } from "./events.ts";

function open(folder: string, maxBytes = 1_000_000): Recorder {
  const opened = openRecorder(folder, maxBytes);
  assert.ok(opened.ok, opened.ok ? "" : opened.message);
  return opened.recorder;
}

function write(recorder: Recorder, source: SourceName, text: string, receivedAt: number): string {
  return recorder.write(source, { bytes: Buffer.from(text), receivedAt }).status;
}

function read(folder: string): RecordedFrame[] {
  const recording = readRecording(folder);
  assert.ok(recording.ok, recording.ok ? "" : recording.message);
  return [...recording.frames()];
}

const documents = ["<?xml?><plist>1</plist>", "<?xml?><plist>2</plist>"] as const;

test("a recording comes back frame by frame, in order and with its times", () => {
  const folder = join(temporaryFolder(), "new", "folder");
  {
    using recorder = open(folder);
    write(recorder, "vm_stat", "pages: 1\n", 100);
    write(recorder, "powermetrics", documents[0], 200);
    write(recorder, "pmset", "batt\n\0settings\n", 250);
    write(recorder, "powermetrics", documents[1], 300);
    write(recorder, "vm_stat", "pages: 22\n", 400);
    assert.equal(recorder.frames, 5);
  }
  assert.deepEqual(
    read(folder).map(({ source, receivedAt, bytes }) => [source, receivedAt, bytes.toString()]),
    [
      ["vm_stat", 100, "pages: 1\n"],
      ["powermetrics", 200, documents[0]],
      ["pmset", 250, "batt\n\0settings\n"],
      ["powermetrics", 300, documents[1]],
      ["vm_stat", 400, "pages: 22\n"],
    ],
  );
  assert.deepEqual(readdirSync(folder).sort(), [
    "pmset.txt",
    "powermetrics.plist",
    "record.jsonl",
    "vm_stat.txt",
  ]);
});

test("recorded documents are the tool's own stream: a NUL between them and none around", () => {
  const folder = temporaryFolder();
  {
    using recorder = open(folder);
    for (const document of documents) write(recorder, "powermetrics", document, 0);
  }
  const stream = readFileSync(join(folder, "powermetrics.plist"));
  assert.equal(stream.toString(), `${documents[0]}\n\0${documents[1]}\n`);
  const frames: string[] = [];
  const framer = createFramer({ onFrame: (frame) => frames.push(frame.toString()) });
  framer.push(stream);
  framer.end();
  assert.deepEqual(frames, documents);
});

test("a folder that holds a recording is left as it is", () => {
  for (const name of ["record.jsonl", "pmset.txt"]) {
    const folder = temporaryFolder();
    writeFileSync(join(folder, name), "mine");
    const opened = openRecorder(folder, 1000);
    assert.match(
      opened.ok ? "" : opened.message,
      new RegExp(`cannot record into .*: .*${name} exists already`),
    );
    assert.deepEqual(readdirSync(folder), [name]);
  }
});

test("a link that leads nowhere is not followed", () => {
  const folder = temporaryFolder();
  const target = join(temporaryFolder(), "victim");
  symlinkSync(target, join(folder, "vm_stat.txt"));
  using recorder = open(folder);
  const recorded = recorder.write("vm_stat", { bytes: Buffer.from("x"), receivedAt: 0 });
  assert.deepEqual(recorded, {
    status: "failed",
    message: `cannot write ${join(folder, "vm_stat.txt")}: file already exists`,
  });
  assert.equal(existsSync(target), false);
});

test("a folder that cannot be made is a message", () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const opened = openRecorder(join(file, "folder"), 1000);
  assert.match(opened.ok ? "" : opened.message, /^cannot record into .*: not a directory$/);
});

test("the bound holds for all files together, and what was written before stays whole", () => {
  const folder = temporaryFolder();
  const statuses: string[] = [];
  {
    using recorder = open(folder, 1000);
    for (let frame = 0; frame < 10; frame++)
      statuses.push(write(recorder, "vm_stat", "x".repeat(150), frame));
    statuses.push(write(recorder, "sysctl", "y", 10));
    assert.ok(recorder.bytes <= 1000);
  }
  assert.deepEqual(statuses, [...Array<string>(4).fill("written"), ...Array<string>(7).fill("full")]);
  assert.equal(read(folder).length, 4);
});

test("an index cut off in its last line loses that frame alone", () => {
  const folder = temporaryFolder();
  {
    using recorder = open(folder);
    write(recorder, "vm_stat", "one", 1);
  }
  appendFileSync(join(folder, "record.jsonl"), '{"source":"vm_stat","rece');
  assert.deepEqual(
    read(folder).map((frame) => frame.bytes.toString()),
    ["one"],
  );
});

for (const line of [
  "nonsense",
  "[]",
  '{"source":"../passwd","receivedAt":1,"offset":0,"length":1}',
  '{"source":"constructor","receivedAt":1,"offset":0,"length":1}',
  '{"source":"vm_stat","receivedAt":1,"offset":-1,"length":1}',
  '{"source":"vm_stat","receivedAt":"1","offset":0,"length":1}',
]) {
  test(`an index line ${line} is refused with its place`, () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "record.jsonl"), `${line}\n`);
    const recording = readRecording(folder);
    assert.match(recording.ok ? "" : recording.message, /^unexpected line 1 of .*record\.jsonl: got /);
  });
}

test("an index that promises more than there is fails when that frame's turn comes", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "vm_stat.txt"), "short");
  writeFileSync(
    join(folder, "record.jsonl"),
    ["0", "4e15"]
      .map((length) => `{"source":"vm_stat","receivedAt":1,"offset":3,"length":${length}}\n`)
      .join(""),
  );
  assert.throws(() => read(folder), /unexpected end of .*vm_stat\.txt: want 4000000000000000 bytes at 3/);
});

test("a folder without a recording is a message", () => {
  const recording = readRecording(temporaryFolder());
  assert.match(
    recording.ok ? "" : recording.message,
    /cannot read .*record\.jsonl: no such file or directory/,
  );
});
