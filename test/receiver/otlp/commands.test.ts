/** The verbs that try a receiver or push to it once, with VictoriaMetrics behind OTLP. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { run, temporaryFolder, until } from "../../cli/agent.ts";
import { skipWithout } from "../../support/receivers.ts";
import { assertSameSeries, inVictoria, otlpAddress, startVictoria, type Stored } from "./stored.ts";

const skip = skipWithout("victoria-metrics");
/** Nobody listens there. */
const nobody = "http://127.0.0.1:1";

function configure(folder: string, ...endpoints: readonly string[]): string {
  const config = join(folder, "agent.yaml");
  const blocks = endpoints.map((endpoint) => `{ metrics_endpoint: "${endpoint}" }`);
  writeFileSync(config, `global: { job: macs, instance: mac.test }\notlp: [${blocks.join(", ")}]\n`);
  return config;
}

test(
  "check --connect tells which receiver answers and which does not, and stores nothing",
  { skip },
  async (t) => {
    await using victoria = await startVictoria();
    const folder = temporaryFolder(t);
    const good = await run(["check", "--connect", "--config", configure(folder, otlpAddress(victoria))]);
    assert.equal(good.code, 0, good.stderr);
    assert.match(
      good.stdout,
      /^otlp\[0\] http:\/\/127\.0\.0\.1:\d+\/opentelemetry\/v1\/metrics: answers to protobuf in \d+ ms$/m,
    );
    assert.deepEqual(await inVictoria(victoria), {});

    const wrongPath = `${victoria.origin}/nothing/here`;
    const bad = await run([
      "check",
      "--connect",
      "--config",
      configure(folder, otlpAddress(victoria), nobody, wrongPath),
    ]);
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /^otlp\[0\] .* answers to protobuf/m);
    assert.match(bad.stderr, /^otlp\[1\] .*refused/m);
    assert.match(bad.stderr, /^otlp\[2\] .*unexpected status: got 4\d\d, want 2xx/m);
  },
);

interface Printed {
  readonly time: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

test("once --push stores exactly what it prints", { skip }, async (t) => {
  await using victoria = await startVictoria();
  const config = configure(temporaryFolder(t), otlpAddress(victoria));
  const { code, stdout, stderr } = await run([
    "once",
    "--simulate",
    "--format",
    "json",
    "--push",
    "--config",
    config,
  ]);
  assert.equal(code, 0, stderr);
  const printed = JSON.parse(stdout) as readonly Printed[];
  const samples = printed.flatMap(({ time, samples: all }) => all.map((sample) => ({ ...sample, time })));
  assert.ok(samples.length > 100);
  assert.match(stderr, new RegExp(`^otlp\\[0\\] .*: ${samples.length} samples sent$`, "m"));
  const found = await until(
    async () => {
      const all = await inVictoria(victoria);
      return Object.keys(all).length >= samples.length ? all : undefined;
    },
    () => `VictoriaMetrics has fewer than ${samples.length} series`,
  );
  assertSameSeries(found, storedOf(samples));
});

/** What is printed, as a receiver has it. */
function storedOf(samples: readonly (Printed["samples"][number] & { readonly time: string })[]): Stored {
  return Object.fromEntries(
    samples.map(({ name, labels, value, time }) => [
      JSON.stringify(
        Object.entries({ ...labels, __name__: name, job: "macs", instance: "mac.test" }).toSorted(),
      ),
      [[Date.parse(time), value] as const],
    ]),
  );
}

test(
  "once --push to an address that refuses prints all the same, and fails with the reason",
  { skip },
  async (t) => {
    await using victoria = await startVictoria();
    const config = configure(temporaryFolder(t), `${victoria.origin}/nothing/here`);
    const { code, stdout, stderr } = await run(["once", "--simulate", "--push", "--config", config]);
    assert.equal(code, 1);
    assert.match(stdout, /^powermetrics_cpu_power_milliwatts \d/m);
    assert.match(stderr, /^otlp\[0\] .*: 0 samples sent, \d+ reports not sent, unexpected status: got 400/m);
  },
);
