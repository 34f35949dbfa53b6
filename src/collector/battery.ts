/** The battery: its charge by powermetrics, its wear, electricity and state by its own gauge. */
import { gauge } from "../metric/metric.ts";
import type { Battery } from "../parse/sample.ts";
import { collector } from "./collector.ts";

export const battery = collector({
  source: "powermetrics",
  samplers: ["battery"],
  metrics: {
    charge: gauge("powermetrics_battery_charge_percent", "Charge of the battery"),
  },
  create: () => (sample, observe) => observe("charge", sample.battery?.chargePercent),
});

/** As the gauge reports them. Health is left to the reader: Apple's own figure is none of these ratios. */
export const batteryGauge = collector({
  source: "ioreg",
  metrics: {
    cycles: gauge("ioreg_battery_cycles", "Charge cycles of the battery"),
    design: gauge(
      "ioreg_battery_design_capacity_milliampere_hours",
      "Capacity that the battery was designed for",
    ),
    fullCharge: gauge(
      "ioreg_battery_full_charge_capacity_milliampere_hours",
      "Capacity of the battery when full, as its gauge estimates it now",
    ),
    nominalCharge: gauge(
      "ioreg_battery_nominal_charge_capacity_milliampere_hours",
      "Capacity of the battery when full, as its gauge estimates it at a nominal load",
    ),
    remaining: gauge("ioreg_battery_remaining_capacity_milliampere_hours", "Charge that is left"),
    voltage: gauge("ioreg_battery_voltage_volts", "Voltage of the battery"),
    current: gauge(
      "ioreg_battery_current_milliamperes",
      "Current into the battery, negative while it discharges",
    ),
    temperature: gauge("ioreg_battery_temperature_celsius", "Temperature of the battery"),
    state: gauge("ioreg_battery_state", "1 for what is true of the battery, 0 for what is not", ["state"]),
    adapter: gauge("ioreg_adapter_rating_watts", "Power that the connected adapter can deliver"),
  },
  create:
    () =>
    ({ battery }, observe) => {
      if (battery === undefined) return;
      observe("cycles", battery.cycles);
      observe("design", battery.capacities?.design);
      observe("fullCharge", battery.capacities?.fullCharge);
      observe("nominalCharge", battery.capacities?.nominalCharge);
      observe("remaining", battery.capacities?.remaining);
      observe("voltage", battery.volts);
      observe("current", battery.milliamperes);
      observe("temperature", battery.celsius);
      for (const [state, isTrue] of states(battery))
        observe("state", isTrue === undefined ? undefined : Number(isTrue), { state });
      observe("adapter", battery.adapterWatts);
    },
});

function states(battery: Battery): readonly (readonly [state: string, isTrue: boolean | undefined])[] {
  return [
    ["external_connected", battery.isConnected],
    ["charging", battery.isCharging],
    ["fully_charged", battery.isFullyCharged],
    ["permanent_failure", battery.hasFailed],
  ];
}
