/** The scripts for device management, run by sh against stubs of macOS' tools as no Mac has run them yet. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { build, parse } from "plist";
import { z } from "zod";
import { temporaryFolder } from "../support/folder.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(project, path), "utf8");

interface Mac {
  readonly here: string;
  /** Of the agent. */
  readonly root: string;
  /** Writes a file, and the folders above it. */
  write(path: string, text: string, mode?: number): void;
  /** Runs a script of the project as if the folder were the whole system. */
  sh(script: string, ...args: readonly string[]): { code: number | null; out: string; err: string };
  /** What the stubs were called with. */
  calls(): string;
}

function mac(context: TestContext): Mac {
  const here = temporaryFolder(context);
  const root = join(here, "Library/Application Support/mac-powermetrics-agent");
  const write: Mac["write"] = (path, text, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
  };
  const stub = (name: string, text = ""): void =>
    write(join(here, "tools", name), `#!/bin/sh\necho "${name} $*" >>"${here}/calls"\n${text}\n`, 0o755);
  stub("launchctl");
  stub("chgrp");
  stub("uname", "echo Darwin");
  stub("plutil", `cat "${here}/extracted"`);
  stub("productbuild", 'while [ $# -gt 1 ]; do shift; done; echo a package >"$1"');
  stub("pkgbuild", `[ -z "$(ls "$2")" ] && cp -Rp "$4" "${here}/pkg"`);
  return {
    here,
    root,
    write,
    sh(script, ...args) {
      const text = readFileSync(script, "utf8")
        .replaceAll('"/Library/', `"${here}/Library/`)
        .replaceAll("=/etc/", `=${here}/etc/`)
        .replaceAll(/\/(?:usr\/)?bin\/(plutil|launchctl|chgrp|pkgbuild|productbuild)/g, `${here}/tools/$1`);
      writeFileSync(script, text);
      const env = { PATH: `${here}/tools:/usr/bin:/bin` };
      const { status, stdout, stderr } = spawnSync("sh", [script, ...args], {
        encoding: "utf8",
        env,
        cwd: here,
      });
      return { code: status, out: stdout, err: stderr };
    },
    calls: () => (existsSync(join(here, "calls")) ? readFileSync(join(here, "calls"), "utf8") : ""),
  };
}

/** With an agent, whose check is the real one. */
function withAgent(it: Mac): Mac {
  it.write(join(it.root, "agent.yaml"), "log: { level: info }\n", 0o640);
  it.write(
    join(it.root, "current/cli.js"),
    `await import(${JSON.stringify(join(project, "src/cli.ts"))});\n`,
  );
  it.write(join(it.root, "current/package.json"), '{ "type": "module" }');
  mkdirSync(join(it.root, "current/bin"));
  symlinkSync(process.execPath, join(it.root, "current/bin/node"));
  return it;
}

function configure(it: Mac, ...args: readonly string[]): ReturnType<Mac["sh"]> {
  const script = join(it.here, "configure.sh");
  writeFileSync(script, read("config/examples/mdm/configure.sh"));
  return it.sh(script, ...args);
}

test("a configuration that check accepts is in force: replaced with its permissions, and read again", (context) => {
  const it = withAgent(mac(context));
  it.write(join(it.here, "new.yaml"), "log: { level: debug }\n");
  const { code, err } = configure(it, "new.yaml");
  assert.equal(code, 0, err);
  const file = join(it.root, "agent.yaml");
  assert.equal(readFileSync(file, "utf8"), "log: { level: debug }\n");
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.equal(it.calls(), "launchctl kill SIGHUP system/dev.mac-powermetrics.agent\n");
  assert.deepEqual(readdirSync(it.root).toSorted(), ["agent.yaml", "current"]);
});

test("one that check refuses leaves the old one alone, and says why", (context) => {
  const it = withAgent(mac(context));
  it.write(join(it.here, "new.yaml"), "log: { level: loud }\n");
  const { code, err } = configure(it, "new.yaml");
  assert.equal(code, 78);
  assert.match(err, /agent\.yaml\.new:1:\d+: log\.level: /);
  assert.equal(readFileSync(join(it.root, "agent.yaml"), "utf8"), "log: { level: info }\n");
  assert.equal(it.calls(), "");
  assert.deepEqual(readdirSync(it.root).toSorted(), ["agent.yaml", "current"]);
});

const profileShape = z.object({
  PayloadContent: z.array(z.object({ PayloadType: z.string(), Configuration: z.string() })),
});

test("a managed preference is taken as the example profile sets it, and the example is accepted", (context) => {
  const it = withAgent(mac(context));
  assert.equal(configure(it, "--managed").code, 1);
  const { PayloadContent } = profileShape.parse(
    parse(read("config/examples/mdm/configuration.mobileconfig")),
  );
  const [settings] = PayloadContent;
  assert.ok(settings);
  // A made-up secret, so that check, which reads it, finds one.
  it.write(join(it.here, "password"), "hunter22", 0o600);
  const text = settings.Configuration.replace(
    "/etc/mac-powermetrics-agent/password",
    join(it.here, "password"),
  );
  const preference = `Library/Managed Preferences/${settings.PayloadType}.plist`;
  it.write(join(it.here, preference), build({ Configuration: settings.Configuration }));
  it.write(join(it.here, "extracted"), text);
  const { code, err } = configure(it, "--managed");
  assert.equal(code, 0, err);
  assert.equal(readFileSync(join(it.root, "agent.yaml"), "utf8"), text);
  assert.equal(
    it.calls(),
    `plutil -extract Configuration raw -expect string -o - ${join(it.here, preference)}\n` +
      "launchctl kill SIGHUP system/dev.mac-powermetrics.agent\n",
  );
});

test("without an agent, or called wrongly, nothing is changed", (context) => {
  const it = mac(context);
  assert.deepEqual([configure(it, "new.yaml").code, existsSync(it.root)], [1, false]);
  withAgent(it);
  assert.equal(configure(it).code, 2);
  assert.equal(configure(it, "--what").code, 2);
  assert.equal(configure(it, "not-there.yaml").code, 1);
  assert.deepEqual(readdirSync(it.root).toSorted(), ["agent.yaml", "current"]);
});

test("the job watches the preference that the profile sets, and runs the script where the guide puts it", () => {
  const job = z
    .object({ WatchPaths: z.tuple([z.string()]), ProgramArguments: z.array(z.string()) })
    .parse(parse(read("config/examples/mdm/dev.mac-powermetrics.managed.plist")));
  assert.ok(read("config/examples/mdm/configure.sh").includes(`preference="${job.WatchPaths[0]}"`));
  const [, script = ""] = job.ProgramArguments;
  assert.ok(read("config/examples/fleet.md").includes(script));
});

/** An unpacked release whose install.sh writes down how it was called, and keeps a configuration that is there. */
function release(it: Mac): string {
  const folder = join(it.here, "a release");
  it.write(join(folder, "SHA256SUMS"), "");
  it.write(
    join(folder, "lib/package.json"),
    '{"name":"mac-powermetrics-agent","version":"1.2.3","type":"module"}\n',
  );
  it.write(
    join(folder, "install.sh"),
    `[ -f "${it.root}/agent.yaml" ] || { mkdir -p "${it.root}"; cp "$2" "${it.root}/agent.yaml"; }\n` +
      `echo "install.sh $*, $(cat "${it.here}/etc/mac-powermetrics-agent/password")" >>"${it.here}/calls"\n`,
  );
  for (const path of ["launchd/package.sh", "launchd/postinstall.sh", "config/examples/mdm/configure.sh"]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(project, path), join(folder, path));
  }
  return folder;
}

test("a package has the release and its files among its scripts, and nothing that others may read of a secret", (context) => {
  const it = mac(context);
  const folder = release(it);
  it.write(join(it.here, "fleet.yaml"), "log: { level: info }\n");
  it.write(join(it.here, "password"), "hunter22");
  const options = [
    "--config",
    "fleet.yaml",
    "--secret",
    "password",
    "--sign",
    "Developer ID Installer: A (B)",
  ];
  const { code, out, err } = it.sh(join(folder, "launchd/package.sh"), ...options);
  assert.equal(code, 0, err);
  assert.equal(out, "made mac-powermetrics-agent-1.2.3.pkg\n");
  assert.ok(existsSync(join(it.here, "mac-powermetrics-agent-1.2.3.pkg")));
  const calls = it.calls().replaceAll(/\/\S*\/tmp\.\w+/g, "WORK");
  assert.equal(
    calls,
    "uname -s\n" +
      "pkgbuild --root WORK/empty --scripts WORK/scripts --identifier dev.mac-powermetrics.agent --version 1.2.3 --ownership recommended WORK/component.pkg\n" +
      "productbuild --package WORK/component.pkg --sign Developer ID Installer: A (B) mac-powermetrics-agent-1.2.3.pkg\n",
  );
  const scripts = join(it.here, "pkg");
  assert.deepEqual(readdirSync(scripts).toSorted(), ["agent.yaml", "postinstall", "release", "secrets"]);
  assert.equal(statSync(join(scripts, "postinstall")).mode & 0o777, 0o755);
  assert.equal(statSync(join(scripts, "secrets")).mode & 0o077, 0);
  assert.equal(it.sh(join(folder, "launchd/package.sh"), "--bundle", "x").code, 1);
  it.write(join(it.here, "tools/uname"), "#!/bin/sh\necho Linux\n", 0o755);
  assert.match(
    it.sh(join(folder, "launchd/package.sh")).err,
    /^cannot make a package here: pkgbuild comes with macOS only$/m,
  );
});

test("its postinstall puts secrets there first and the account's group on them after; the second time the configuration is changed", (context) => {
  const it = mac(context);
  const folder = release(it);
  it.write(join(it.here, "fleet.yaml"), "log: { level: info }\n");
  it.write(join(it.here, "password"), "hunter22");
  const made = it.sh(join(folder, "launchd/package.sh"), "--config", "fleet.yaml", "--secret", "password");
  assert.equal(made.code, 0, made.err);
  writeFileSync(join(it.here, "calls"), "");
  const scripts = join(it.here, "pkg");
  const secret = join(it.here, "etc/mac-powermetrics-agent/password");
  const first = it.sh(join(scripts, "postinstall"), "a.pkg", "/", "/");
  assert.equal(first.code, 0, first.err);
  assert.equal(
    it.calls(),
    `install.sh --config ${scripts}/agent.yaml, hunter22\nchgrp _macagent ${secret}\n`,
  );
  assert.equal(statSync(secret).mode & 0o777, 0o640);

  withAgent(it);
  writeFileSync(join(it.here, "calls"), "");
  it.write(join(scripts, "agent.yaml"), "log: { level: debug }\n");
  const nested = join(scripts, "release/config/examples/mdm/configure.sh");
  assert.equal(it.sh(nested).code, 2);
  const second = it.sh(join(scripts, "postinstall"), "a.pkg", "/", "/");
  assert.equal(second.code, 0, second.err);
  assert.match(
    it.calls(),
    /^install\.sh , hunter22\nchgrp .*\nlaunchctl kill SIGHUP system\/dev\.mac-powermetrics\.agent\n$/,
  );
  assert.equal(readFileSync(join(it.root, "agent.yaml"), "utf8"), "log: { level: debug }\n");
  assert.equal(it.sh(join(scripts, "postinstall"), "a.pkg", "/Volumes/other", "/Volumes/other").code, 1);
});

test("its variables are there before the agent starts, also where no configuration comes with them", (context) => {
  const it = mac(context);
  const folder = release(it);
  it.write(join(it.here, "mdm.env"), "MAC_SITE=berlin\n");
  it.write(
    join(folder, "install.sh"),
    `(cat "${it.root}/mdm.env"; ls -l "${it.root}/mdm.env" | cut -c 1-10) >>"${it.here}/calls"\n`,
  );
  const made = it.sh(join(folder, "launchd/package.sh"), "--variables", "mdm.env");
  assert.equal(made.code, 0, made.err);
  const variables = join(it.root, "mdm.env");
  for (const [text, mode] of [
    ["MAC_SITE=berlin\n", "-rw-------"],
    ["MAC_SITE=rome\n", "-rw-r-----"],
  ] as const) {
    it.write(join(it.here, "pkg/mdm.env"), text);
    writeFileSync(join(it.here, "calls"), "");
    const { code, err } = it.sh(join(it.here, "pkg/postinstall"), "a.pkg", "/", "/");
    assert.equal(code, 0, err);
    assert.equal(it.calls(), `${text}${mode}\nchgrp _macagent ${variables}\n`);
    assert.equal(statSync(variables).mode & 0o777, 0o640);
  }
  it.write(join(it.here, "pkg/mdm.env"), "MAC_SITE\n");
  it.write(join(it.here, "pkg/release/install.sh"), "exit 78\n");
  assert.equal(it.sh(join(it.here, "pkg/postinstall"), "a.pkg", "/", "/").code, 78);
  assert.equal(readFileSync(variables, "utf8"), "MAC_SITE=rome\n", "refused ones are taken back");
  assert.deepEqual(readdirSync(it.root), ["mdm.env"]);
});
