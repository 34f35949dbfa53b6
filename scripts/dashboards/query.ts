/** Builds queries: selectors that name only what the catalogue declares, and the sums that several panels share. */
import { catalogue } from "../../src/meter/catalogue.ts";
import type { Metric } from "../../src/metric/metric.ts";
import { ownIntervalMs } from "../../src/telemetry.ts";

/** The labels that sinks and scrapes add; the dashboards' variables choose by them. */
const chosen = ['job=~"$job"', 'instance=~"$instance"'];

/**
 * Selects the chosen machines' series of a metric, or of a histogram's part.
 * Throws for a metric or label that the catalogue lacks: a panel can't go stale unnoticed.
 */
export function of(name: string, ...matchers: readonly string[]): string {
  const metric = find(name);
  for (const matcher of matchers) {
    const label = /^[a-z_]+/.exec(matcher)?.[0] ?? "";
    if (!metric.labels.includes(label)) throw new Error(`unexpected label of ${name}: got ${label}`);
  }
  return `${name}{${[...chosen, ...matchers].join(",")}}`;
}

/** Long enough for two samples at least, whatever the zoom. */
const recent = "$__rate_interval";

/** What Grafana is to take for `recent`, four times at least, where the data source's own would be too short. */
export function leastStep(expression: string): string | undefined {
  const isSlow = expression.includes("mac_agent_") && expression.includes(recent);
  return isSlow ? `${ownIntervalMs / 1000}s` : undefined;
}

/** Of panels with series of each machine: with a thousand machines more would be neither seen nor drawn in time. */
const most = 20;
/** What those panels say of it. */
export const fewOfMany = "Of many Macs, the twenty that stand out most in the chosen time range.";

const range = "$__range";

/**
 * The machines with the most by `rank`, an expression of {@link atEnd}, so that it is asked once for the whole range: the highest of
 * each moment would be others a moment later, and a panel of hours would draw them all.
 *
 * @param on what joins the two where their labels differ: `on (job, instance) `
 */
export function highest(expression: string, rank: string, on = ""): string {
  return `${expression} and ${on}topk(${most}, ${rank})`;
}

/** Those with the least. */
export function lowest(expression: string, rank: string): string {
  return `${expression} and bottomk(${most}, ${rank})`;
}

/** The function of a metric over the range that the dashboard shows. */
export function atEnd(over: string, name: string, ...matchers: readonly string[]): string {
  return `${over}(${of(name, ...matchers)}[${range}] @ end())`;
}

/** A gauge of the machines on which it was highest. */
export function highestGauge(name: string): string {
  return highest(of(name), atEnd("max_over_time", name));
}

/** A counter's rate on the machines with the highest. */
export function highestRate(name: string, window = recent): string {
  return highest(rate(name, window), atEnd("rate", name));
}

/** Seconds since a time that is the oldest of all. */
export function longestSince(name: string): string {
  return `time() - (${lowest(of(name), `${of(name)} @ end()`)})`;
}

/** HELP of the metric as a sentence, for panels that show just one. */
export function about(name: string): string {
  return `${find(name).help}.`;
}

function find(name: string): Metric {
  const metric = catalogue.get(name) ?? catalogue.get(name.replace(/_(bucket|sum|count)$/, ""));
  if (metric === undefined) throw new Error(`unexpected metric in a dashboard: got ${name}`);
  return metric;
}

export function rate(name: string, window = recent): string {
  return `rate(${of(name)}[${window}])`;
}

export function increase(name: string, window = recent, ...matchers: readonly string[]): string {
  return `increase(${of(name, ...matchers)}[${window}])`;
}

/**
 * Of the chip, one series a machine: Apple Silicon reports the sum of its rails, Intel its package.
 * Never the sum of the rails' gauges, which would be missing wherever one rail is.
 */
const chipMilliwatts = `${of("powermetrics_combined_power_milliwatts")} or ${of("powermetrics_package_power_milliwatts")}`;

/** Watts of the chip, one series a machine. */
export const chipWatts = `(${chipMilliwatts}) / 1000`;

/** Watts of the whole machine where its battery's gauge says so, else of the chip. */
export const machineWatts = `(${of("ioreg_system_power_milliwatts")} or ${chipMilliwatts}) / 1000`;

/**
 * Mean watts of the whole machine over five minutes. The gauge is read every 30 to 60 s, so a shorter window may hold a single reading,
 * and it counts the seconds that it covers, so joules are divided by these.
 */
export const systemWatts = `${increase("ioreg_system_energy_joules_total", "5m")} / (${increase("ioreg_system_energy_seconds_total", "5m")} > 0)`;

/** Joules that each machine's chip used in the window, from exact counters: of the package where there is one, else of all rails. */
export function chipJoules(window: string): string {
  const rails = ["cpu", "gpu", "ane"].map(
    (rail) =>
      `label_replace(${increase(`powermetrics_${rail}_energy_joules_total`, window)}, "rail", "${rail}", "", "")`,
  );
  return `(${increase("powermetrics_package_energy_joules_total", window)} or sum without (rail) (${rails.join(" or ")}))`;
}

/** Joules that each machine used in the window: of the whole machine where its gauge says so, else of the chip. */
export function machineJoules(window: string): string {
  return `(${increase("ioreg_system_energy_joules_total", window)} or ${chipJoules(window)})`;
}

/** Mean watts of a rail over the window, minutes asleep left out, as the machine's own watts leave them out. */
export function meanWatts(rail: string, window: string): string {
  return `avg_over_time(${of(`powermetrics_${rail}_power_milliwatts`)}[${window}]) / 1000`;
}

/** What Activity Monitor calls memory used: of applications, wired, and occupied by the compressor. */
export const memoryUsed = inBytes(
  `(${of("vmstat_pages_anonymous_count")} - ${of("vmstat_pages_purgeable_count")} + ${of("vmstat_pages_wired_count")} + ${of("vmstat_compressor_occupied_pages")})`,
);

/** What a full battery holds in percent of its design. Apple's own figure of a battery's health is another one. */
export const fullOfDesign = `100 * ${of("ioreg_battery_full_charge_capacity_milliampere_hours")} / ${of("ioreg_battery_design_capacity_milliampere_hours")}`;

/** Turns pages, or pages a second, into bytes. */
export function inBytes(pages: string): string {
  return `${pages} * ${of("vmstat_page_size_bytes")}`;
}

/** cpu2 before cpu10: panels order rows by label, as text. */
export function inCoreOrder(expression: string): string {
  return `label_replace(${expression}, "core", "cpu0$1", "core", "cpu([0-9])")`;
}
