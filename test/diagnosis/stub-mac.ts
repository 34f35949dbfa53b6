/** A Mac of stubs under a prefix for `doctor --deep`: launchd really runs its jobs, dscl keeps records in files, and every tool says what it was planted with. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Stubs {
  /** Printed by every tool, on standard output and standard error. */
  readonly plants: readonly string[];
  /** Answers of the tools that the identities are looked up with, by path below the prefix. */
  readonly answers?: Readonly<Record<string, string>>;
  /** Scripts of Node.js in place of the ones here, by path below the prefix. */
  readonly scripts?: Readonly<Record<string, string>>;
}

const common = `
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
const { prefix, plist, plants, answers } = SETTINGS;
const args = process.argv.slice(2);
function fail(code, said) { console.error(said); process.exit(code); }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

/** One file a job; a process of its own starts the job again after its ThrottleInterval, as KeepAlive says. */
const launchctl = `${common}
const folder = join(prefix, "jobs");
mkdirSync(folder, { recursive: true });
const [verb, first, second] = args;
const fileOf = (label) => join(folder, label);
const read = (label) => JSON.parse(readFileSync(fileOf(label), "utf8"));
const labelOf = (target) => target.split("/")[1];
appendFileSync(join(prefix, "calls"), "launchctl " + args.join(" ") + "\\n");
if (verb === "supervise") {
  const { parse } = await import(plist);
  const job = parse(readFileSync(second, "utf8"));
  let stopping = false;
  let child;
  process.on("SIGTERM", () => { stopping = true; child?.kill("SIGTERM"); });
  const note = (state) => writeFileSync(fileOf(first), JSON.stringify({ supervisor: process.pid, ...state }));
  for (let last = ""; !stopping; ) {
    const [program, ...rest] = job.ProgramArguments;
    child = spawn(program, rest, { env: job.EnvironmentVariables, stdio: "ignore" });
    note({ state: "running", pid: child.pid, last });
    const [code, signal] = await new Promise((resolve) => child.on("exit", (...how) => resolve(how)));
    last = signal === null ? String(code) : "(signal " + signal + ")";
    note({ state: "spawn scheduled", last });
    const again = job.KeepAlive === true || (job.KeepAlive?.SuccessfulExit === false && code !== 0);
    if (!again) break;
    await sleep(1000 * job.ThrottleInterval);
  }
  process.exit(0);
} else if (verb === "print-disabled") console.log("disabled services = {}\\n" + plants.join("\\n"));
else if (verb === "print") {
  if (!existsSync(fileOf(labelOf(first)))) fail(113, "Could not find service " + plants.join("\\n"));
  const { state, pid, last } = read(labelOf(first));
  console.log(first + " = {\\n\\tstate = " + state + "\\n" + (pid ? "\\tpid = " + pid + "\\n" : "") + "\\tlast exit code = " + (last || "(never exited)") + "\\n" + plants.join("\\n") + "\\n}");
} else if (verb === "bootstrap") {
  const { parse } = await import(plist);
  const { Label } = parse(readFileSync(second, "utf8"));
  if (existsSync(fileOf(Label))) fail(5, "Bootstrap failed: 5: Input/output error");
  spawn(process.execPath, [process.argv[1], "supervise", Label, second], { detached: true, stdio: "ignore" }).unref();
  for (let tries = 0; !existsSync(fileOf(Label)) && tries < 400; tries++) await sleep(25);
} else if (verb === "bootout") {
  const label = labelOf(first);
  if (!existsSync(fileOf(label))) fail(3, "Boot-out failed: 3: No such process");
  const { supervisor } = read(label);
  const isZombie = () => { try { return readFileSync("/proc/" + supervisor + "/stat", "latin1").includes(") Z "); } catch { return false; } };
  const alive = () => { try { process.kill(supervisor, 0); return !isZombie(); } catch { return false; } };
  try { process.kill(supervisor, "SIGTERM"); } catch {}
  for (let tries = 0; alive() && tries < 100; tries++) await sleep(25);
  rmSync(fileOf(label));
} else if (verb === "kill") process.kill(read(labelOf(second)).pid, first);
`;

const dscl = `${common}
const [, verb, path, key, value] = args;
const file = join(prefix, "records", path.replaceAll("/", "+"));
if (verb === "-read") {
  if (!existsSync(file)) fail(56, "<dscl_cmd> DS Error: -14136 (eDSRecordNotFound) " + plants.join("\\n"));
  process.stdout.write(readFileSync(file, "utf8") + plants.join("\\n"));
} else if (verb === "-list") process.stdout.write((answers["dscl " + key] ?? "") + "\\n");
else if (verb === "-delete") rmSync(file);
else { mkdirSync(join(prefix, "records"), { recursive: true }); appendFileSync(file, key + ": " + value + "\\n"); }
`;

/** A document each interval with what is planted in a value, in a key, beside documents and on standard error. */
const powermetrics = `${common}
const option = (name, none) => args.includes(name) ? args[args.indexOf(name) + 1] : none;
if (args.includes("--help")) {
  console.log("The following samplers are supported by --samplers:\\n\\n" + "cpu_power gpu_power thermal battery network disk".split(" ").map((name) => "    " + name + "   of " + name).join("\\n") + "\\n\\n" + plants.join("\\n"));
  process.exit(0);
}
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const intervalMs = Number(option("-i", "5000"));
process.stdout.on("error", () => process.exit(141));
for (const plant of plants) console.error(plant);
for (let left = Number(option("-n", "1e9")); left > 0; left--) {
  await sleep(intervalMs);
  process.stdout.write('\\0<?xml version="1.0" encoding="UTF-8"?>\\n<plist version="1.0">\\n<dict>\\n<key>is_delta</key><true/>\\n<key>elapsed_ns</key><integer>' + 1e6 * intervalMs + '</integer>\\n<key>hw_model</key><string>Mac16,8</string>\\n<key>timestamp</key><date>' + new Date().toISOString().slice(0, 19) + 'Z</date>\\n' + plants.map((plant) => '<key>' + escape(plant) + '</key><string>' + escape(plant) + '</string>\\n').join("") + '</dict>\\n</plist>\\n');
}
`;

const pmset = `${common}
if (args[0] === "relative") console.log("wake set", ...plants);
else if (args[0] === "sleepnow") { writeFileSync(join(prefix, "slept"), ""); console.log("Sleeping now...", ...plants); }
else if (args[1] === "batt") console.log("Now drawing from 'Battery Power'\\n -InternalBattery-0 (id=19136611)\\t80%; discharging; 3:00 remaining present: true");
else console.log("System-wide power settings:\\nCurrently in use:\\n lowpowermode         0\\n" + plants.join("\\n"));
for (const plant of plants) console.error(plant);
`;

const sysctl = `${common}
const values = { "kern.osproductversion": "15.5", "hw.model": "Mac16,8", "machdep.cpu.brand_string": "Apple M4 Pro", "hw.memsize": "51539607552",
  "vm.swapusage": "total = 1024.00M  used = 0.00M  free = 1024.00M  (encrypted)", "kern.boottime": "{ sec = 1790035733, usec = 0 } Tue Sep 22 00:08:53 2026",
  "kern.waketime": existsSync(join(prefix, "slept")) ? "{ sec = 2, usec = 0 }" : "{ sec = 1, usec = 0 }", "kern.hostname": answers["kern.hostname"] ?? "" };
for (const name of args.filter((one) => one !== "-n"))
  if (name in values) console.log(args[0] === "-n" ? values[name] : name + ": " + values[name]);
  else console.error("sysctl: unknown oid '" + name + "'");
for (const plant of plants) console.error(plant);
`;

/** As a script of the shell: the tool's answer for these arguments, by its name and them, or just its name; and the plants. */
function plain(name: string, { plants, answers = {} }: Stubs): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\\\''")}'`;
  const cases = Object.entries(answers)
    .filter(([key]) => key.startsWith(`${name} `))
    .map(([key, answer]) => `${quoted(key.slice(name.length + 1))}) echo ${quoted(answer)} ;;`);
  const looksUp = ["scutil", "ipconfig", "networksetup"].includes(name);
  return [
    "#!/bin/sh",
    `case "$*" in`,
    ...cases,
    `*) printf '%s\\n' ${quoted(answers[name] ?? "")} ;;`,
    "esac",
    ...(looksUp ? [] : plants.map((plant) => `printf '%s\\n' ${quoted(plant)} | tee /dev/stderr`)),
  ].join("\n");
}

const tools: Readonly<Record<string, string>> = {
  "bin/launchctl": launchctl,
  "usr/bin/dscl": dscl,
  "usr/bin/powermetrics": powermetrics,
  "usr/bin/pmset": pmset,
  "usr/sbin/sysctl": sysctl,
};

const plainTools = [
  "usr/bin/vm_stat",
  "usr/bin/sw_vers",
  "usr/sbin/ioreg",
  "usr/sbin/scutil",
  "usr/sbin/ipconfig",
  "usr/sbin/networksetup",
  "usr/sbin/spctl",
  "usr/bin/xattr",
  "usr/bin/codesign",
  "usr/bin/sfltool",
  "sbin/route",
];

export function writeStubs(prefix: string, stubs: Stubs): void {
  const { plants, answers = {}, scripts = {} } = stubs;
  const settings = JSON.stringify({ prefix, plist: import.meta.resolve("plist"), plants, answers });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(prefix, path)), { recursive: true });
    writeFileSync(join(prefix, path), text);
    chmodSync(join(prefix, path), 0o755);
  };
  for (const path of plainTools) write(path, plain(path.split("/").at(-1) ?? "", stubs));
  for (const [path, text] of Object.entries({ ...tools, ...scripts })) {
    const whole = text.startsWith("\nimport") ? text : common + text;
    write(
      `${path}.mjs`,
      whole.replace("SETTINGS", () => settings),
    );
    // Asked for often, and mostly for what is not there.
    const gone = `[ "$1" = print ] && [ ! -e "${prefix}/jobs/\${2#*/}" ] && { echo "Could not find service"; exit 113; }`;
    const shortcut = path === "bin/launchctl" && scripts[path] === undefined ? `${gone}\n` : "";
    write(path, `#!/bin/sh\n${shortcut}exec "${process.execPath}" "${prefix}/${path}.mjs" "$@"\n`);
  }
}
