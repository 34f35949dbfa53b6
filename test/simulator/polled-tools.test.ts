/** The simulated vm_stat, sysctl and pmset print Apple's layouts, and agree with each other and over time. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { chips } from "../../src/simulator/chips.ts";
import { dictionary, parseDocument } from "./dictionary.ts";
import { documents, monday, run, start } from "./run-tool.ts";

function pages(report: string): ReadonlyMap<string, number> {
  const rows = report.matchAll(/^"?([^:\n"]+)"?: +(\d+)\.$/gm);
  return new Map([...rows].map(([, label = "", value = ""]) => [label, Number(value)]));
}

const counters = [
  ...[
    "Translation faults",
    "Pages copy-on-write",
    "Pages zero filled",
    "Pages reactivated",
    "Pages purged",
    "Decompressions",
  ],
  ...["Compressions", "Pageins", "Pageouts", "Swapins", "Swapouts"],
];

async function vmStatAt(timeMs: number, ...argv: readonly string[]): Promise<ReadonlyMap<string, number>> {
  return pages((await run("vm_stat", argv, { clock: fakeClock(timeMs) })).stdout);
}

for (const [name, chip] of Object.entries(chips)) {
  test(`vm_stat on ${name}: 22 lines, and what is cached is what is paged`, async () => {
    const { code, stdout } = await run("vm_stat", ["--chip", name]);
    const size = chip.kind === "apple" ? 16384 : 4096;
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(`Mach Virtual Memory Statistics: (page size of ${size} bytes)\n`));
    const of = (label: string): number => pages(stdout).get(label) ?? NaN;
    assert.equal(pages(stdout).size, 22);
    const cached =
      of("Pages active") + of("Pages inactive") + of("Pages speculative") + of("Pages throttled");
    assert.equal(of("File-backed pages") + of("Anonymous pages"), cached);
    const used = cached + of("Pages free") + of("Pages wired down") + of("Pages occupied by compressor");
    assert.equal(used, (chip.memoryGib * 2 ** 30) / size);
  });
}

test("the label column is 30 wide, 35 with tag lines, or as asked, and only the faults are quoted", async () => {
  const widths = async (...argv: readonly string[]): Promise<readonly number[]> => {
    const lines = (await run("vm_stat", argv)).stdout.trimEnd().split("\n").slice(1);
    return [...new Set(lines.filter((line) => line.endsWith(".")).map((line) => line.length))];
  };
  assert.deepEqual(await widths("--chip", "m4"), [48]);
  assert.deepEqual(await widths("--chip", "m5", "--os", "27.0"), [53]);
  assert.deepEqual(await widths("--chip", "m4", "--width", "35"), [53]);
  assert.deepEqual(await widths("--chip", "intel", "--width", "25"), [43]);
  const { stdout } = await run("vm_stat", []);
  assert.equal(stdout.split('"Translation faults":').length, 2);
  assert.equal(stdout.split('"').length, 3);
});

test("machines that tag memory report it from macOS 27 on", async () => {
  const tagged = (await run("vm_stat", ["--chip", "m5", "--os", "27.0"])).stdout;
  assert.equal(pages(tagged).size, 33);
  assert.equal(pages(tagged).get("Pages tag-storage"), (24 * 2 ** 30) / 32 / 16384);
  assert.equal(pages((await run("vm_stat", ["--chip", "m5", "--os", "26.4"])).stdout).size, 22);
  assert.equal(pages((await run("vm_stat", ["--chip", "m4", "--os", "27.0"])).stdout).size, 22);
});

test("counters only grow between invocations that know nothing of each other", async () => {
  const moments = fc.integer({ min: Date.UTC(2026, 1, 1), max: Date.UTC(2026, 1, 8) });
  const check = async (seed: number, first: number, later: number): Promise<void> => {
    const before = await vmStatAt(first, "--seed", String(seed));
    const after = await vmStatAt(first + later, "--seed", String(seed));
    for (const label of counters) assert.ok((after.get(label) ?? 0) >= (before.get(label) ?? 1), label);
    assert.ok((after.get("Translation faults") ?? 0) > (before.get("Translation faults") ?? 0));
  };
  await fc.assert(fc.asyncProperty(fc.nat(50), moments, fc.integer({ min: 1000, max: 1e8 }), check), {
    numRuns: 40,
  });
});

test("faults pass 2^32 on a machine that is up for weeks, and start anew after a boot", async () => {
  const at = async (timeMs: number): Promise<number> =>
    (await vmStatAt(timeMs)).get("Translation faults") ?? NaN;
  const { stdout } = await run("sysctl", ["kern.boottime"]);
  const boot = Number(/sec = (\d+)/.exec(stdout)?.[1]) * 1000;
  assert.ok((await at(boot + 50 * 86_400_000)) > 2 ** 32);
  const first = await at(boot + 60_000);
  assert.ok(first > 0 && first < 1e6, `${first} faults in the first minute`);
  assert.ok((await at(boot - 1000)) > first);
});

test("vm_stat prints its report only: an interval, which the agent never asks for, is refused", async () => {
  for (const argv of [["1"], ["-c", "2", "1"], ["--width", "0"]]) {
    const { code, stdout, stderr } = await run("vm_stat", argv);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^usage: vm_stat/);
  }
});

test("polled tools fail, fall silent or hang on request", async () => {
  const failed = await run("vm_stat", ["--fault", "fail"]);
  assert.deepEqual([failed.code, failed.stdout], [1, ""]);
  assert.match(failed.stderr, /^vm_stat: failed/);
  for (const tool of ["vm_stat", "sysctl", "pmset"] as const) {
    assert.deepEqual(await run(tool, ["--fault", "empty"]), { code: 0, stdout: "", stderr: "" });
    const stop = new AbortController();
    const hanging = start(tool, ["--fault", "hang"], { signal: stop.signal });
    assert.equal(
      await Promise.race([hanging.ended.then(() => true), new Promise((r) => setImmediate(r, false))]),
      false,
    );
    stop.abort();
    assert.equal((await hanging.ended).stdout, "");
    assert.equal((await run(tool, ["--fault", "fail"])).code, 1);
  }
});

test("each tool writes its report in one piece, as stdio does into a pipe", async () => {
  const commands = [
    ["vm_stat"],
    ["sysctl", "vm.swapusage", "hw.memsize", "kern.boottime"],
    ["pmset", "-g"],
    ["pmset", "-g", "batt"],
  ] as const;
  for (const [tool, ...args] of commands) {
    const running = start(tool, args);
    await running.ended;
    assert.equal(running.pieces(), 1, tool);
  }
});

test("sysctl prints names and values, or values alone, and complains about what it does not know", async () => {
  const names = [
    "hw.memsize",
    "kern.memorystatus_vm_pressure_level",
    "kern.osproductversion",
    "machdep.cpu.brand_string",
  ];
  const { code, stdout } = await run("sysctl", ["--chip", "m4", ...names]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^hw\.memsize: 17179869184\nkern\.memorystatus_vm_pressure_level: [124]\nkern\.osproductversion: 26\.6\nmachdep\.cpu\.brand_string: Apple M4\n$/,
  );
  assert.deepEqual(await run("sysctl", ["--chip", "m4", "-n", "hw.model", "kern.nonsense"]), {
    code: 1,
    stdout: "Mac16,10\n",
    stderr: "sysctl: unknown oid 'kern.nonsense'\n",
  });
});

test("swap is what is used and what is free, in megabytes", async () => {
  const { stdout } = await run("sysctl", ["vm.swapusage"]);
  const match =
    /^vm\.swapusage: total = (\d+\.\d\d)M {2}used = (\d+\.\d\d)M {2}free = (\d+\.\d\d)M {2}\(encrypted\)\n$/.exec(
      stdout,
    );
  const [total = NaN, used = NaN, free = NaN] = match?.slice(1).map(Number) ?? [];
  assert.ok(total > 0 && Math.abs(total - used - free) < 0.02);
});

test("sysctl and powermetrics agree on when the Mac booted", async () => {
  const { stdout } = await run("sysctl", ["-n", "kern.boottime", "--seed", "5"]);
  const seconds = Number(
    /^\{ sec = (\d+), usec = \d+ \} \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\n$/.exec(stdout)?.[1],
  );
  const [text = ""] = await documents("-s", "battery", "-n", "1", "--seed", "5");
  assert.equal(parseDocument(text)["kern_boottime"], seconds);
  assert.ok(seconds * 1000 < monday);
});

test("a laptop has woken some time since it booted; a desktop never slept", async () => {
  const laptop = (await run("sysctl", ["-n", "kern.waketime", "--chip", "m4pro"])).stdout;
  assert.ok(Number(/sec = (\d+)/.exec(laptop)?.[1]) * 1000 <= monday);
  const desktop = (await run("sysctl", ["-n", "kern.waketime", "--chip", "m4"])).stdout;
  assert.equal(desktop, "{ sec = 0, usec = 0 } Thu Jan  1 00:00:00 1970\n");
});

test("pmset and powermetrics agree on the battery, which charges, fills and drains within a day", async () => {
  const states = new Set<string>();
  for (let hour = 0; hour < 24; hour++) {
    const startMs = Date.UTC(2026, 0, 5, hour);
    const { stdout } = await run("pmset", ["-g", "batt"], { clock: fakeClock(startMs + 1000) });
    const match =
      /^Now drawing from '(AC|Battery) Power'\n -InternalBattery-0 \(id=\d{8}\)\t(\d+)%; (\w+); \d+:\d\d remaining present: true\n$/.exec(
        stdout,
      );
    const [, source, percent, state = ""] = match ?? [];
    assert.equal(source === "Battery", state === "discharging");
    states.add(state);
    const [text = ""] = await documents(
      "-s",
      "battery",
      "-n",
      "1",
      "-i",
      "1000",
      "--start",
      String(startMs / 1000),
    );
    assert.equal(String(dictionary(parseDocument(text)["battery"])["percent_charge"]), percent);
  }
  assert.deepEqual([...states].sort(), ["charged", "charging", "discharging"]);
});

test("a desktop's power source is one line; thermal notes and settings are there", async () => {
  assert.equal((await run("pmset", ["-g", "ps", "--chip", "m4"])).stdout, "Now drawing from 'AC Power'\n");
  assert.match((await run("pmset", ["-g", "--chip", "m4"])).stdout, /\n lowpowermode +[01]\n/);
  assert.match((await run("pmset", ["-g", "--chip", "m4max"])).stdout, /\n powermode +[01]\n/);
  assert.equal((await run("pmset", ["-g", "therm"])).stdout.split("Note: No ").length, 4);
  assert.match((await run("pmset", ["-g", "therm", "--chip", "intel"])).stdout, /CPU_Speed_Limit \t= 100/);
  assert.equal((await run("pmset", ["-g", "nonsense"])).code, 64);
});
