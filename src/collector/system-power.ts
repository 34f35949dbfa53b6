/** The power of the whole machine, and its energy, as the battery's gauge reports them. */
import { deviceCounter, gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

export const systemPower = collector({
  source: "ioreg",
  metrics: {
    system: gauge(
      "ioreg_system_power_milliwatts",
      "Power of the whole machine, its display included, when the battery's gauge was read",
    ),
    adapter: gauge("ioreg_adapter_power_milliwatts", "Power from the adapter"),
    battery: gauge("ioreg_battery_power_milliwatts", "Power into the battery, negative while it discharges"),
    energy: deviceCounter(
      "ioreg_system_energy_joules_total",
      "Energy of the whole machine over the seconds of ioreg_system_energy_seconds_total; some machines count while they sleep",
    ),
    seconds: deviceCounter(
      "ioreg_system_energy_seconds_total",
      "Seconds whose energy is in ioreg_system_energy_joules_total",
    ),
  },
  create:
    () =>
    ({ system }, observe) => {
      observe("system", system?.loadMilliwatts);
      observe("adapter", system?.adapterMilliwatts);
      observe("battery", system?.batteryMilliwatts);
      const millijoules = system?.energyMillijoules;
      observe("energy", millijoules === undefined ? undefined : millijoules / 1000);
      observe("seconds", system?.energySeconds);
    },
});
