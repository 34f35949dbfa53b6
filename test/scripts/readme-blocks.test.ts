/** What README and the documents beside it offer to paste: each block and each command is run here, or named with the test that runs it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { z } from "zod";
import { run, startAgent, temporaryFolder } from "../cli/agent.ts";
import { accepted, world } from "../config/world.ts";
import { documents as queried } from "../rules/queries.ts";
import { findReceiver, skipWithout } from "../support/receivers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = ["README.md", "config/receivers.md", "config/exporters.md"];

interface Block {
  /** The document, and the line it begins at. */
  readonly of: string;
  readonly language: string;
  readonly text: string;
}

function blocksOf(path: string): readonly Block[] {
  const text = read(path);
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = "", 2: inner = "", index }) => ({
    of: `${path}:${text.slice(0, index).split("\n").length}`,
    language,
    text: inner,
  }));
}

const blocks = documents.flatMap(blocksOf);
const files = ["agent.yaml", "prometheus.yml", "collector.yaml"];

/** YAML that says by its first line that it is this file. */
function blocksFor(file: string): readonly Block[] {
  return blocks.filter(({ text }) => text.startsWith(`# ${file}\n`));
}

test("every block is a query or says which file it is", () => {
  assert.ok(blocks.length > 15, String(blocks.length));
  for (const { of, language, text } of blocks) {
    const isFile = files.some((file) => text.startsWith(`# ${file}\n`));
    assert.ok(language === "promql" || (language === "yaml" && isFile), of);
  }
});

test("every document with queries is among those whose queries are asked of a Prometheus", () => {
  const all = readdirSync(join(root, "config"), { recursive: true, encoding: "utf8" });
  const paths = ["README.md", "METRICS.md", ...all.map((path) => `config/${path}`)];
  const withQueries = paths.filter((path) => path.endsWith(".md") && read(path).includes("```promql"));
  // The runbooks' are the alerts' own.
  assert.deepEqual(
    withQueries.filter((path) => path !== "config/prometheus/runbooks.md").toSorted(),
    [...queried].toSorted(),
  );
});

/** What the blocks name beside themselves. */
const beside = {
  "/etc/mac-agent/password": "hunter22",
  "/etc/mac-agent/token": "token",
  "/etc/mac-agent/web.yml": `basic_auth_users: { scraper: "$2y$10$${"a".repeat(53)}" }`,
};

test("every configuration of the agent is accepted without a warning", () => {
  const shown = blocksFor("agent.yaml");
  assert.ok(shown.length >= 9, String(shown.length));
  for (const { of, text } of shown) {
    const { warnings } = accepted(world({ ...beside, "/work/agent.yaml": text }, { path: "agent.yaml" }));
    assert.deepEqual(warnings, [], of);
  }
});

test("every configuration of Prometheus is accepted", { skip: skipWithout("promtool") }, async (t) => {
  const shown = blocksFor("prometheus.yml");
  assert.ok(shown.length >= 3, String(shown.length));
  const folder = temporaryFolder(t);
  for (const [index, { text }] of shown.entries()) {
    const path = join(folder, `${index}.yml`);
    writeFileSync(path, text);
    await promisify(execFile)(findReceiver("promtool") ?? "promtool", ["check", "config", path]);
  }
});

test("a Collector's pipelines use what is declared", () => {
  const names = z.record(z.string(), z.unknown());
  const pipeline = z.object({ receivers: z.array(z.string()), exporters: z.array(z.string()) });
  const file = z.object({
    receivers: names,
    exporters: names,
    service: z.object({ pipelines: z.record(z.string(), pipeline) }),
  });
  const shown = blocksFor("collector.yaml");
  assert.equal(shown.length, 1);
  for (const { text } of shown) {
    const { receivers, exporters, service } = file.parse(parse(text));
    assert.deepEqual(Object.values(service.pipelines), [
      { receivers: Object.keys(receivers), exporters: Object.keys(exporters) },
    ]);
  }
});

type Ran = (t: TestContext, argv: readonly string[]) => Promise<void>;
/** The test that runs it, and what stands there. */
type Elsewhere = readonly [file: string, words: string];

/** As they are shown, without `sudo` and comments. */
const commands: Readonly<Record<string, Ran | Elsewhere>> = {
  "git clone … && cd mac-powermetrics-agent": ["test/scripts/package.test.ts", "cloneInto("],
  "npm ci && npm start": startsByNpm,
  "node_modules/.bin/node src/cli.ts once --simulate --format summary": [
    "test/cli/commands.test.ts",
    '"summary"',
  ],
  "node_modules/.bin/node src/cli.ts top --simulate": ["test/command/top/top.test.ts", "--simulate"],
  "npm install --global .": ["test/scripts/package.test.ts", '"--global"'],
  'curl -LO "$RELEASES/mac-powermetrics-agent-0.1.0-darwin-arm64.tar.gz" -LO "$RELEASES/SHA256SUMS"': [
    "test/scripts/dist.test.ts",
    "SHA256SUMS",
  ],
  "shasum -a 256 --ignore-missing -c SHA256SUMS": ["test/scripts/dist.test.ts", "SHA256SUMS"],
  "tar -xzf mac-powermetrics-agent-0.1.0-darwin-arm64.tar.gz": ["test/scripts/dist.test.ts", "tar"],
  "cd mac-powermetrics-agent-0.1.0-darwin-arm64 && sh install.sh": [
    "test/scripts/dist.test.ts",
    "install.sh",
  ],
  "brew install YOUR/TAP/mac-powermetrics-agent": ["test/scripts/dist.test.ts", "the formula names"],
  "mac-powermetrics-agent install": ["test/command/install.test.ts", '"install", ...under'],
  "mac-powermetrics-agent install --config agent.yaml": [
    "test/command/install.test.ts",
    '"install", ...under, "--config"',
  ],
  "mac-powermetrics-agent uninstall": ["test/command/install.test.ts", '"uninstall", ...under)'],
  "mac-powermetrics-agent uninstall --purge": [
    "test/command/install.test.ts",
    '"uninstall", ...under, "--purge"',
  ],
  "mac-powermetrics-agent check --connect --config agent.yaml": connects,
  "mac-powermetrics-agent once --config agent.yaml": ["test/scrape/examples.test.ts", '["once", "--config"'],
  "mac-powermetrics-agent replay --scrape answer.prom": replays,
  "prometheus --web.enable-remote-write-receiver …": [
    "test/receiver/remote-write/prometheus.ts",
    "--web.enable-remote-write-receiver",
  ],
};

/** Lines that are indented by four columns, outside of blocks. */
function shownCommands(): readonly string[] {
  return documents
    .map((path) => read(path).replace(/^```.*?^```$/gms, ""))
    .flatMap((text) => [...text.matchAll(/^ {4}(\S.*)$/gm)])
    .map(([, line = ""]) => line.replace(/\s{2,}#.*$/, "").replace(/\bsudo /g, ""));
}

test("every command runs, here or in the test that is named", async (t) => {
  const shown = [...new Set(shownCommands())];
  assert.deepEqual(shown.toSorted(), Object.keys(commands).toSorted());
  for (const command of shown) {
    const how = commands[command];
    if (how === undefined) continue;
    if (typeof how !== "function") assert.ok(read(how[0]).includes(how[1]), `${command}: ${how[0]}`);
    else await t.test(command, (st) => how(st, command.replace(/^.*?(?:-agent|cli\.ts) /, "").split(" ")));
  }
});

/** On a port of its own. */
async function startsByNpm(t: TestContext): Promise<void> {
  const manifest = z.object({ scripts: z.object({ start: z.string() }) });
  const { scripts } = manifest.parse(JSON.parse(read("package.json")));
  const [, path = ""] = /^node src\/cli\.ts run --config (\S+) --simulate auto$/.exec(scripts.start) ?? [];
  const agent = await startAgent(t, { configuration: read(path) });
  await agent.metrics((text) => /^powermetrics_info\{.*simulated="true"/m.test(text));
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
}

/** The first use's block, with a receiver that answers. */
async function connects(t: TestContext, argv: readonly string[]): Promise<void> {
  const receiver = createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(204).end());
  }).listen(0, "127.0.0.1");
  t.after(() => receiver.close());
  await once(receiver, "listening");
  const origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const path = configurationIn(temporaryFolder(t), origin);
  const { code, stdout, stderr } = await run(argv.map((word) => (word === "agent.yaml" ? path : word)));
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /: ok, 5 sources, 1 sink/);
}

async function replays(t: TestContext, argv: readonly string[]): Promise<void> {
  const answer = join(temporaryFolder(t), "answer.prom");
  writeFileSync(answer, "# TYPE load gauge\nload 0.5\n");
  const { code, stdout, stderr } = await run(argv.map((word) => (word === "answer.prom" ? answer : word)));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^load\{.*\} 0\.5/m);
}

/** README's first configuration, with its password, and another receiver. */
function configurationIn(folder: string, origin: string): string {
  const [first] = blocksFor("agent.yaml");
  const [path, password] = [join(folder, "agent.yaml"), join(folder, "password")];
  writeFileSync(password, "hunter22", { mode: 0o600 });
  const shown = first?.text ?? "";
  writeFileSync(
    path,
    shown.replace("/etc/mac-agent/password", password).replace("https://prometheus.example", origin),
  );
  return path;
}
