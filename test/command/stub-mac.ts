/** Stub tools under a prefix, as scripts: a launchctl that really starts and ends the job, a dscl with files for records, and others. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const common = `
import { appendFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
const [prefix, plistPackage] = PATHS;
const args = process.argv.slice(2);
const record = () => appendFileSync(join(prefix, "calls"), args.join(" ") + "\\n");
function fail(code, said) { console.error(said); process.exit(code); }
`;

/** The job is started with --simulate and without launchd's restarts. */
const launchctl = `${common}
const [verb, target] = args;
const state = join(prefix, "job");
const pid = () => existsSync(state) ? Number(readFileSync(state, "utf8")) : undefined;
const alive = (one) => { try { process.kill(one, 0); return !readFileSync("/proc/" + one + "/stat", "latin1").includes(") Z "); } catch { return false; } };
if (verb === "print-disabled") console.log("disabled services = {}");
else if (verb === "print") {
  if (pid() === undefined) fail(113, "Could not find service");
  console.log(alive(pid()) ? "x = {\\n\\tstate = running\\n\\tpid = " + pid() + "\\n}" : "x = {\\n\\tstate = not running\\n\\tlast exit code = 1\\n}");
} else if (verb === "bootout") {
  record();
  if (pid() === undefined) fail(3, "Boot-out failed: 3: No such process");
  if (alive(pid())) process.kill(pid(), "SIGTERM");
  for (let tries = 0; alive(pid()) && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 25));
  rmSync(state);
} else if (verb === "bootstrap") {
  record();
  const left = join(prefix, "error5");
  if (existsSync(left)) {
    const count = Number(readFileSync(left, "utf8"));
    if (count > 0) { writeFileSync(left, String(count - 1)); fail(5, "Bootstrap failed: 5: Input/output error"); }
  }
  const { parse } = await import(plistPackage);
  const job = parse(readFileSync(args[2], "utf8"));
  const [node, ...rest] = job.ProgramArguments;
  const out = openSync(job.StandardErrorPath, "a");
  const child = spawn(node, [...rest, "--simulate"], { detached: true, cwd: job.WorkingDirectory, env: job.EnvironmentVariables, stdio: ["ignore", out, out] });
  child.unref();
  writeFileSync(state, String(child.pid));
} else record();
`;

const dscl = `${common}
const [, verb, path, key, value] = args;
const file = join(prefix, "records", path.replaceAll("/", "+"));
if (verb === "-read") {
  if (!existsSync(file)) fail(56, "eDSRecordNotFound");
  process.stdout.write(readFileSync(file, "utf8"));
} else if (verb === "-list") {
  for (const name of existsSync(join(prefix, "records")) ? readdirSync(join(prefix, "records")) : []) {
    const [, folder, account] = name.split("+");
    const id = new RegExp("^" + key + ": (.*)$", "m").exec(readFileSync(join(prefix, "records", name), "utf8"))?.[1];
    if ("/" + folder === path && id !== undefined) console.log(account + "   " + id);
  }
} else {
  record();
  if (verb === "-delete") rmSync(file);
  else { mkdirSync(join(prefix, "records"), { recursive: true }); appendFileSync(file, key + ": " + value + "\\n"); }
}
`;

/** The folders that are left out of backups, a line each. */
const tmutil = `${common}
const [verb, ...rest] = args;
const folder = rest.at(-1);
const file = join(prefix, "excluded");
const excluded = existsSync(file) ? readFileSync(file, "utf8").split("\\n").filter(Boolean) : [];
if (verb === "isexcluded") console.log((excluded.includes(folder) ? "[Excluded]" : "[Included]") + "    " + folder);
else if (verb === "addexclusion") writeFileSync(file, [...excluded, folder].join("\\n"));
else writeFileSync(file, excluded.filter((one) => one !== folder).join("\\n"));
`;

/** Has none of its keys, as on an Intel Mac; and deletes nobody, so that dscl has to. */
const silent = "";

/** Writes the tools that installing calls below the prefix; each call that changes something becomes a line in `calls`. */
export function writeStubTools(prefix: string): void {
  const paths = JSON.stringify([prefix, import.meta.resolve("plist")]);
  for (const [path, text] of [
    ["bin/launchctl", launchctl],
    ["usr/bin/dscl", dscl],
    ["usr/bin/tmutil", tmutil],
    ["usr/sbin/sysctl", silent],
    ["usr/sbin/sysadminctl", silent],
  ] as const) {
    const program = join(prefix, `${path}.mjs`);
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(
      program,
      text.replace("PATHS", () => paths),
    );
    writeFileSync(join(prefix, path), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
    chmodSync(join(prefix, path), 0o755);
  }
  mkdirSync(join(prefix, "var/run"), { recursive: true });
}
