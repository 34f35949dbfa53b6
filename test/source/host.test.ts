import assert from "node:assert/strict";
import test from "node:test";
import type { Spawn } from "../../src/source/child.ts";
import { readHostFacts } from "../../src/source/host.ts";
import { fakeClock } from "../support/fake-clock.ts";

/** Answers by the program's name; anything else is not there. */
function tools(answers: Readonly<Record<string, string>>): Spawn {
  return ([program = ""], { onStdout }) => {
    const answer = answers[program];
    if (answer !== undefined) onStdout(Buffer.from(answer));
    const ended = Promise.resolve(
      answer === undefined
        ? ({ kind: "not_started", code: "ENOENT", message: "no such file" } as const)
        : ({ kind: "exited", code: 1 } as const),
    );
    return { pid: 1, ended, stop: () => ended };
  };
}

const world = { sysctl: ["/usr/sbin/sysctl"], clock: fakeClock(), environment: {} };

test("sysctl tells version, build and model, ioreg the hardware's UUID", async () => {
  const spawn = tools({
    "/usr/sbin/sysctl":
      "kern.osproductversion: 26.6\nkern.osversion: 25G229\nhw.model: Mac16,10\nmachdep.cpu.brand_string: Apple M4\n",
    "/usr/sbin/ioreg": '  | {\n  |   "IOPlatformUUID" = "01234567-89AB-CDEF-0123-456789ABCDEF"\n',
  });
  assert.deepEqual(await readHostFacts({ ...world, spawn, platform: "darwin" }), {
    osVersion: "26.6",
    osBuild: "25G229",
    model: "Mac16,10",
    chip: "Apple M4",
    id: "01234567-89AB-CDEF-0123-456789ABCDEF",
  });
});

test("what is not told is absent: a name that sysctl lacks, and everything without the tools", async () => {
  const partly = tools({ "/usr/sbin/sysctl": "hw.model: iMac14,2\nhw.other: 7\n" });
  assert.deepEqual(await readHostFacts({ ...world, spawn: partly, platform: "darwin" }), {
    model: "iMac14,2",
  });
  assert.deepEqual(await readHostFacts({ ...world, spawn: tools({}), platform: "darwin" }), {});
});

test("ioreg is asked on macOS only", async () => {
  const spawn = tools({ "/usr/sbin/ioreg": '"IOPlatformUUID" = "01234567-89AB-CDEF-0123-456789ABCDEF"' });
  assert.deepEqual(await readHostFacts({ ...world, spawn, platform: "linux" }), {});
});
