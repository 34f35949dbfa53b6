/** The row of a machine's dashboard about what `scrape_configs` brings in. */
import type { Row } from "./dashboard.ts";
import { ofExporter } from "./exporters.ts";
import { chipJoules, systemWatts } from "./query.ts";
import { lines } from "./view.ts";

const scraped = "Needs scrape_configs: config/examples/scrape.yaml.";

/** Five minutes, as llama.cpp counts tokens when an answer is complete. */
function tokensPerSecond(name: string): string {
  return `rate(${ofExporter(name)}[5m])`;
}

/** Several servers share one Mac, and a Mac that is pushed and scraped has its watts twice. */
function perJoule(watts: string): string {
  return `(${tokensPerSecond("llamacpp:tokens_predicted_total")} > 0) / on (instance) group_left () (max by (instance) (${watts}) > 0)`;
}

function query(name: string, legend: string) {
  return { expression: ofExporter(name), legend };
}

export const exporterRow: Row = {
  title: "Scraped from other exporters: language models, temperatures, fans and disks",
  height: 8,
  collapsed: true,
  panels: [
    {
      title: "Tokens per joule",
      description: `Tokens that llama.cpp generated for each joule of the chip and of the whole machine, mean of five minutes, while it generates. Energy for reading prompts, and whatever else runs, is in it. ${scraped}`,
      view: lines("si:tokens/J", { min: 0 }),
      queries: [
        { expression: perJoule(`${chipJoules("5m")} / 300`), legend: "{{job}}: chip" },
        { expression: perJoule(systemWatts), legend: "{{job}}: machine" },
      ],
      width: 8,
    },
    {
      title: "Tokens a second",
      description: `Tokens that llama.cpp generated and tokens of prompts that it read, mean of five minutes; an answer counts when it is complete. ${scraped}`,
      view: lines("si:tokens/s", { min: 0 }),
      queries: [
        { expression: tokensPerSecond("llamacpp:tokens_predicted_total"), legend: "{{job}}: generated" },
        { expression: tokensPerSecond("llamacpp:prompt_tokens_total"), legend: "{{job}}: prompts" },
      ],
      width: 8,
    },
    {
      title: "Requests to llama.cpp",
      description: `Requests that are being answered, and that wait for a slot. ${scraped}`,
      view: lines("short", { min: 0 }),
      queries: [
        query("llamacpp:requests_processing", "{{job}}: processing"),
        query("llamacpp:requests_deferred", "{{job}}: waiting"),
      ],
      width: 8,
    },
    {
      title: "Temperatures",
      description: `Of CPU and GPU by macmon or mactop, as powermetrics has none on Apple silicon, and of disks by smartctl_exporter. ${scraped}`,
      view: lines("celsius"),
      queries: [
        query("macmon_cpu_temp_celsius", "CPU (macmon)"),
        query("macmon_gpu_temp_celsius", "GPU (macmon)"),
        query("mactop_soc_temp_celsius", "chip (mactop)"),
        query("mactop_gpu_temp_celsius", "GPU (mactop)"),
        query("smartctl_device_temperature", "{{device}} {{temperature_type}}"),
      ],
      width: 8,
    },
    {
      title: "Fans by other exporters",
      description: `Speed of each fan by macmon or mactop. ${scraped}`,
      view: lines("rotrpm", { min: 0 }),
      queries: [
        query("macmon_fan_speed_rpm", "{{fan}} (macmon)"),
        query("mactop_fan_rpm", "{{fan_name}} (mactop)"),
      ],
      width: 8,
    },
    {
      title: "Wear of disks",
      description: `Share of its rated life that a disk has used, by smartctl_exporter. ${scraped}`,
      view: lines("percent", { min: 0 }),
      queries: [query("smartctl_device_percentage_used", "{{device}}")],
      width: 8,
    },
  ],
};
