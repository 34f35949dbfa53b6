import test from "node:test";
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { loadConfiguration } from "../../src/config/load.ts";
import type { Configuration } from "../../src/config/schema.ts";
import { formatFinding, machineFindings, serviceFindings, type Finding } from "../../src/daemon/doctor.ts";
import { pathFindings } from "../../src/daemon/doctor-paths.ts";
import type { ToolRunner } from "../../src/daemon/system.ts";
import { parseSamplers } from "../../src/parse/powermetrics.ts";
import { world } from "../config/world.ts";
import { fakeMac, type FakeMac } from "./fake-mac.ts";
import { run } from "./installing.ts";

function configured(text: string): Configuration {
  const loaded = loadConfiguration({ ...world({ "/work/a.yaml": text }), path: "/work/a.yaml" });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.configuration;
}

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Without root nobody can be another owner, so the account is who runs this, and only permissions differ here. */
async function installed(mac: FakeMac): Promise<void> {
  const ids = { UniqueID: String(owner.uid), PrimaryGroupID: String(owner.gid) };
  mac.records.set("/Users/_macagent", new Map(Object.entries(ids)));
  await run(mac, mac.release("0.1.0"));
}

function paths(mac: FakeMac, configuration: Configuration): readonly Finding[] {
  return pathFindings(configuration, {
    system: mac.system,
    prefix: mac.prefix,
    runtime: "/usr/local/bin/node",
    owner,
  });
}

const of = (findings: readonly Finding[], check: string): Finding | undefined =>
  findings.find((one) => one.check === check);
const bad = (findings: readonly Finding[]): string[] =>
  findings.filter(({ status }) => status !== "ok").map(({ check }) => check);

function installedConfiguration({ layout }: FakeMac): Configuration {
  return configured(
    `journal: { path: ${JSON.stringify(`${layout.state}/journal.db`)}, max_size: 1MB }\nlog: { file: ${JSON.stringify(layout.log)} }`,
  );
}

test("a fresh installation has nothing wrong with its paths", async () => {
  using mac = fakeMac();
  await installed(mac);
  assert.deepEqual(bad(paths(mac, installedConfiguration(mac))), []);
});

test("whoever may write a folder on the way to the program is found, with the command that mends it", async () => {
  using mac = fakeMac();
  await installed(mac);
  chmodSync(mac.layout.versions, 0o777);
  chmodSync(mac.layout.plist, 0o664);
  const findings = paths(mac, installedConfiguration(mac)).filter(({ check }) => check === "ownership");
  assert.deepEqual(
    findings.map(({ status, message, fix }) => [status, message, fix]),
    [
      [
        "failure",
        `${mac.layout.versions} must be writable by root only, got mode 0777`,
        `run sudo chmod go-w '${mac.layout.versions}'`,
      ],
      [
        "failure",
        `${mac.layout.plist} must be writable by root only, got mode 0664`,
        `run sudo chmod go-w '${mac.layout.plist}'`,
      ],
    ],
  );
});

test("a changed job, a missing rotation and a missing runtime are found", async () => {
  using mac = fakeMac();
  await installed(mac);
  writeFileSync(mac.layout.plist, "another");
  rmSync(mac.layout.newsyslog);
  rmSync(mac.layout.current);
  const findings = paths(mac, installedConfiguration(mac));
  assert.deepEqual(bad(findings), ["runtime", "launchd job", "log rotation"]);
  for (const { status, fix } of findings) assert.equal(fix === undefined, status === "ok");
});

test("a secret that the account can't read is found by its key", () => {
  using mac = fakeMac();
  const file = join(mac.prefix, "password");
  writeFileSync(file, "hunter2", { mode: 0o600 });
  const text = `remote_write: [{ url: "http://a/", basic_auth: { username: u, password_file: ${JSON.stringify(file)} } }]`;
  const stranger = {
    system: mac.system,
    prefix: mac.prefix,
    runtime: "/usr/local/bin/node",
    owner: { uid: 12345, gid: 12345 },
  };
  const finding = of(pathFindings(configured(text), stranger), "files");
  assert.equal(
    finding?.message,
    `remote_write[0].basic_auth.password_file: ${file} must be readable by _macagent`,
  );
  rmSync(file);
  assert.match(of(pathFindings(configured(text), stranger), "files")?.message ?? "", /cannot find/);
});

test("a file of variables that the agent could not read again after SIGHUP is found", async () => {
  using mac = fakeMac();
  await installed(mac);
  chmodSync(mac.layout.environment, 0o600);
  const world = { system: mac.system, prefix: mac.prefix, runtime: "/usr/local/bin/node" };
  const findings = pathFindings(installedConfiguration(mac), {
    ...world,
    owner: { uid: 12345, gid: owner.gid },
  });
  assert.match(
    of(findings, "files")?.message ?? "",
    /^after SIGHUP: .*mdm\.env must be readable by _macagent$/,
  );
});

test("a journal whose folder the account may not write is found", () => {
  using mac = fakeMac();
  const folder = join(mac.prefix, "state");
  mkdirSync(folder, { mode: 0o700 });
  const configuration = configured(`journal: { path: ${JSON.stringify(join(folder, "journal.db"))} }`);
  const finding = of(
    pathFindings(configuration, {
      system: mac.system,
      prefix: mac.prefix,
      runtime: "/x/node",
      owner: { uid: 12345, gid: 1 },
    }),
    "journal",
  );
  assert.equal(finding?.status, "failure");
});

const answers =
  (table: Record<string, string>): ToolRunner =>
  (argv) => {
    const stdout = table[argv.join(" ")];
    return Promise.resolve(
      stdout === undefined
        ? { code: -1, stdout: "", stderr: "no such file or directory" }
        : { code: 0, stdout, stderr: "" },
    );
  };

const help =
  "The following samplers are supported by --samplers:\n\n    tasks       per task\n    cpu_power   cpu power\n\nand the following sampler groups\n";

test("the machine: macOS with its tools is well, what is missing is named", async () => {
  const tool = answers({
    "/usr/bin/sw_vers -productVersion": "15.5\n",
    "/usr/bin/powermetrics --help": help,
    "/usr/bin/vm_stat": "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n",
  });
  const machine = {
    platform: "darwin",
    uid: 0,
    tool,
    parseSamplers,
    neededSamplers: ["cpu_power", "gpu_power"],
  };
  const findings = await machineFindings(configured(""), machine);
  assert.deepEqual(bad(findings), []);
  assert.match(of(findings, "powermetrics")?.message ?? "", /lacks gpu_power/);
  const elsewhere = await machineFindings(configured(""), {
    ...machine,
    platform: "linux",
    uid: 501,
    tool: answers({}),
  });
  assert.deepEqual(bad(elsewhere), ["platform", "root", "powermetrics", "vm_stat"]);
});

test("a macOS that the runtime was not built for is named, and 13.5 is the oldest that it was", async () => {
  for (const [version, supported] of [
    ["13.5", true],
    ["13.10", true],
    ["26.0", true],
    ["14", true],
    ["13.4.1", false],
    ["12.7.6", false],
  ] as const) {
    const tool = answers({ "/usr/bin/sw_vers -productVersion": `${version}\n` });
    const world = { platform: "darwin", uid: 0, tool, parseSamplers, neededSamplers: [] };
    const finding = of(await machineFindings(configured(""), world), "platform");
    assert.equal(finding?.status, supported ? "ok" : "warning", version);
    if (!supported) assert.equal(finding.message, `macOS must be 13.5 or newer, got ${version}`);
  }
});

test("the job: running is well; disabled, not loaded and not ready are failures with a way out", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  const look = (): Promise<readonly Finding[]> =>
    serviceFindings(configured("web: { enabled: false }"), mac.system, mac.probe);
  assert.deepEqual(bad(await look()), []);
  mac.broken = "0.1.0";
  assert.deepEqual(bad(await look()), ["ready"]);
  mac.running = undefined;
  assert.match(of(await look(), "label")?.message ?? "", /is not loaded/);
  mac.disabled = true;
  assert.match(of(await look(), "label")?.fix ?? "", /launchctl enable/);
});

/** As macOS 13 to 15 print them. */
const backgroundItems = (disposition: string): string => `========================
 Records for UID 0 : FFFFEEEE-DDDD-CCCC-BBBB-AAAA00000000
========================
 Items:

 #1:
                 UUID: 0A7E0E1C-0000-0000-0000-000000000001
                 Name: another
          Disposition: [disabled, allowed, notified] (0xa)
           Identifier: 16.com.example.another

 #2:
                 UUID: 0A7E0E1C-0000-0000-0000-000000000002
                 Name: node
       Developer Name: Node.js Foundation
                 Type: legacy daemon (0x10010)
          Disposition: [${disposition}] (0xb)
           Identifier: 16.dev.mac-powermetrics.agent
                  URL: file:///Library/LaunchDaemons/dev.mac-powermetrics.agent.plist
`;

test("a daemon that is switched off in System Settings is found, and what sfltool does not say is no finding", async () => {
  using mac = fakeMac();
  await run(mac, mac.release("0.1.0"));
  const look = async (isRoot = true): Promise<Finding | undefined> =>
    of(
      await serviceFindings(configured("web: { enabled: false }"), { ...mac.system, isRoot }, mac.probe),
      "background item",
    );
  assert.equal(await look(), undefined, "an older macOS");
  for (const [disposition, status] of [
    ["enabled, allowed, notified", "ok"],
    ["disabled, allowed, notified", "failure"],
    ["enabled, disallowed, visible, notified", "failure"],
  ] as const) {
    mac.background = backgroundItems(disposition);
    const found = await look();
    assert.equal(found?.status, status, disposition);
    if (status === "failure") assert.match(found.fix ?? "", /Login Items & Extensions/);
  }
  assert.equal(await look(false), undefined, "without root a window would ask for a password");
  mac.background = "nothing of ours";
  assert.equal(await look(), undefined);
});

test("a port that something else has taken is found before the agent is installed", async () => {
  using mac = fakeMac();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  assert.ok(typeof address === "object" && address !== null);
  const text = `web: { listen_addresses: ["127.0.0.1:${address.port}", "127.0.0.1:0"] }`;
  const findings = await serviceFindings(configured(text), mac.system, mac.probe);
  assert.deepEqual(bad(findings), ["daemon", "port"]);
  assert.match(
    of(findings, "port")?.message ?? "",
    /cannot listen on 127\.0\.0\.1:\d+: address already in use/,
  );
  other.close();
});

test("a finding is one line that ends with the fix", () => {
  assert.equal(
    formatFinding({ check: "port", status: "failure", message: "is taken", fix: "free it" }),
    "FAILURE port: is taken; free it\n",
  );
  assert.equal(formatFinding({ check: "port", status: "ok", message: "is free" }), "ok      port: is free\n");
});
