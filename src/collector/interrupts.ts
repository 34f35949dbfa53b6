/** Interrupts by CPU and type, off by default. */
import { agentCounter } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { createSums } from "./values.ts";

export const interrupts = collector({
  source: "powermetrics",
  samplers: ["interrupts"],
  enabled: (settings) => settings.interrupts,
  metrics: {
    count: agentCounter(
      "powermetrics_interrupts_total",
      "Interrupts handled by the CPU, summed over all sample windows",
      ["core", "type"],
    ),
  },
  create() {
    const counts = createSums();
    const rows = new Map<string, { readonly core: string; readonly type: string }>();
    return (sample, observe, { accrues }) => {
      if (sample.interrupts === undefined) return;
      for (const { core, type, count } of sample.interrupts) {
        const key = `${core} ${type}`;
        rows.set(key, { core, type });
        counts.add(key, accrues ? count : undefined);
      }
      // A row without events is missing from the document, but its count goes on.
      for (const [key, total] of counts.entries()) {
        const row = rows.get(key);
        if (row !== undefined) observe("count", total, row);
      }
    };
  },
});
