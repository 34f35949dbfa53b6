/** The pull endpoint as the real Prometheus sees it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fixedMetrics, temperature } from "../cli/contract.ts";
import { startAgent, temporaryFolder, until } from "../cli/agent.ts";
import { skipWithout, startReceiver } from "../support/receivers.ts";

interface QueryAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: [number, string];
    }[];
  };
}

test(
  "Prometheus scrapes the agent with up == 1 and finds every fixed metric but the temperature",
  { skip: skipWithout("prometheus") },
  async (t) => {
    const agent = await startAgent(t, { simulator: "--chip m4" });
    const config = join(temporaryFolder(t), "prometheus.yml");
    const target = agent.origin.replace("http://", "");
    writeFileSync(
      config,
      `scrape_configs:
  - job_name: mac
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{ targets: ["${target}"] }]
`,
    );
    await using prometheus = await startReceiver(
      "prometheus",
      (address, folder) => [
        `--config.file=${config}`,
        `--web.listen-address=${address}`,
        `--storage.tsdb.path=${folder}`,
      ],
      "/-/ready",
    );
    async function query(expression: string): Promise<QueryAnswer["data"]["result"]> {
      const body = await prometheus.ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      return body === "" ? [] : (JSON.parse(body) as QueryAnswer).data.result;
    }
    const missing = await until(
      async () => {
        const names = new Set((await query('{job="mac"}')).map(({ metric }) => metric["__name__"]));
        const absent = fixedMetrics.filter((name) => !names.has(name));
        return absent.length <= 1 ? absent : undefined;
      },
      () => "Prometheus did not get the metrics",
    );
    assert.deepEqual(missing, [temperature]);
    const [up] = await query('up{job="mac"}');
    assert.equal(up?.value[1], "1");
  },
);
