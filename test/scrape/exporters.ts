/**
 * Answers of the exporters that config/examples/scrape.yaml scrapes: made up here, with the names, types and labels that each documents.
 * node_exporter is not among them, since tests run the real one.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Counters grow with the seconds, so that rates of them are known. */
type Answer = (seconds: number) => string;

/** By the name of their jobs. */
export const exporters: Readonly<Record<"macmon" | "mactop" | "all-smi" | "llama" | "smartctl", Answer>> = {
  macmon: () =>
    text(
      ["macmon_cpu_temp_celsius", "gauge", `{chip="Apple M3 Pro"}`, 51.5],
      ["macmon_gpu_temp_celsius", "gauge", `{chip="Apple M3 Pro"}`, 48.25],
      ["macmon_sys_power_watts", "gauge", `{chip="Apple M3 Pro"}`, 12.75],
      ["macmon_fan_speed_rpm", "gauge", `{chip="Apple M3 Pro",fan="fan0"}`, 1320],
    ),
  mactop: () =>
    text(
      ["mactop_soc_temp_celsius", "gauge", "", 50],
      ["mactop_gpu_temp_celsius", "gauge", "", 47],
      ["mactop_fan_rpm", "gauge", `{fan_id="0",fan_name="Left"}`, 1310],
      ["mactop_power_watts", "gauge", `{component="gpu"}`, 2.5],
    ),
  "all-smi": () =>
    text(
      ["all_smi_up", "gauge", `{instance="studio",hostname="studio"}`, 1],
      [
        "all_smi_gpu_utilization",
        "gauge",
        `{instance="studio",gpu_index="0",gpu_name="Apple M3 Pro GPU"}`,
        7,
      ],
    ),
  llama: (seconds) =>
    text(
      ["llamacpp:prompt_tokens_total", "counter", "", 1000 + 100 * seconds],
      ["llamacpp:tokens_predicted_total", "counter", "", 500 + 40 * seconds],
      ["llamacpp:tokens_predicted_seconds_total", "counter", "", 10 + seconds],
      ["llamacpp:requests_processing", "gauge", "", 2],
      ["llamacpp:requests_deferred", "gauge", "", 0],
    ),
  smartctl: () =>
    text(
      ["smartctl_device_temperature", "gauge", `{device="disk0",temperature_type="current"}`, 34],
      ["smartctl_device_percentage_used", "gauge", `{device="disk0"}`, 3],
      ["smartctl_device_power_on_seconds", "counter", `{device="disk0"}`, 3_600_000],
    ),
};

export interface ServedExporters extends AsyncDisposable {
  /** `host:port`; each exporter is under `/JOB/metrics`. */
  readonly address: string;
}

export async function serveExporters(): Promise<ServedExporters> {
  const startedAt = Date.now();
  const server = createServer(({ url }, response) => {
    const [, answer] = Object.entries(exporters).find(([job]) => url === `/${job}/metrics`) ?? [];
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end(answer?.((Date.now() - startedAt) / 1000));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function text(
  ...lines: readonly (readonly [name: string, type: string, labels: string, value: number])[]
): string {
  return lines
    .map(
      ([name, type, labels, value]) =>
        `# HELP ${name} Documented\n# TYPE ${name} ${type}\n${name}${labels} ${value}\n`,
    )
    .join("\n");
}
