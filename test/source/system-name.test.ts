import assert from "node:assert/strict";
import test from "node:test";
import { systemNames, type Ask } from "../../src/source/system-name.ts";

const ioreg = `+-o J614sAP  <class IOPlatformExpertDevice, id 0x100000253, registered, matched, active>
    {
      "IOPlatformSerialNumber" = "XQ4P0TEST1"
      "IOPlatformUUID" = "12345678-90AB-CDEF-1234-567890ABCDEF"
    }
`;

function tools(answers: Readonly<Record<string, string | Error>>): { ask: Ask; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    ask(file, args) {
      asked.push([file, ...args].join(" "));
      const answer = answers[file] ?? new Error("no such file");
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

test("serial, hardware UUID and computer name are asked of the Mac, each once and only when used", () => {
  const { ask, asked } = tools({ "/usr/sbin/ioreg": ioreg, "/usr/sbin/scutil": "Anna’s MacBook Pro\n" });
  const name = systemNames("darwin", ask);
  assert.deepEqual(asked, []);
  assert.equal(name("SERIAL"), "XQ4P0TEST1");
  assert.equal(name("SERIAL"), "XQ4P0TEST1");
  assert.equal(name("COMPUTER_NAME"), "Anna’s MacBook Pro");
  assert.equal(name("HARDWARE_UUID"), "12345678-90AB-CDEF-1234-567890ABCDEF");
  assert.equal(asked.length, 3);
  assert.equal(asked[1], "/usr/sbin/scutil --get ComputerName");
  assert.equal(name("OTHER"), undefined);
  assert.equal(name("constructor"), undefined);
});

test("no answer is a reason and never an empty name", () => {
  const late = Object.assign(new Error("spawnSync ETIMEDOUT"), { code: "ETIMEDOUT" });
  const empty = ioreg.replace("XQ4P0TEST1", "");
  const name = systemNames(
    "darwin",
    tools({ "/usr/sbin/ioreg": empty, "/usr/sbin/scutil": late }).ask,
    () => " ",
  );
  assert.deepEqual(name("SERIAL"), { why: "/usr/sbin/ioreg names none" });
  assert.deepEqual(name("COMPUTER_NAME"), { why: "/usr/sbin/scutil gave no answer within 2000 ms" });
  assert.deepEqual(name("HOSTNAME"), { why: "this machine has no host name yet" });
  const blank = systemNames("darwin", tools({ "/usr/sbin/scutil": "\n" }).ask);
  assert.deepEqual(blank("COMPUTER_NAME"), { why: "/usr/sbin/scutil names none" });
  assert.deepEqual(blank("SERIAL"), { why: "/usr/sbin/ioreg failed: no such file" });
});

test("elsewhere than on a Mac there is a host name, and the others say that they need one", () => {
  const { ask, asked } = tools({});
  const name = systemNames("linux", ask, () => "build7");
  assert.equal(name("HOSTNAME"), "build7");
  assert.deepEqual(name("SERIAL"), { why: "/usr/sbin/ioreg comes with macOS only" });
  assert.deepEqual(asked, []);
});
