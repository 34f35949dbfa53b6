/** The battery's charge as powermetrics reports it. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

export const battery = collector({
  source: "powermetrics",
  samplers: ["battery"],
  metrics: {
    charge: gauge("powermetrics_battery_charge_percent", "Charge of the battery"),
  },
  create: () => (sample, observe) => observe("charge", sample.battery?.chargePercent),
});
