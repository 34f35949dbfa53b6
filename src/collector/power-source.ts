/** The power source, the battery's state and the power mode, as pmset reports them. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { observeState } from "./values.ts";

const knownSources = ["AC Power", "Battery Power", "UPS Power"];
const knownModes = ["low", "automatic", "high"];
const knownStates = ["charging", "discharging", "charged", "finishing charge", "AC attached"];

export const powerSource = collector({
  source: "pmset",
  metrics: {
    source: gauge("pmset_power_source_info", "1 for the power source in use, 0 for the other ones", [
      "source",
    ]),
    charging: gauge("pmset_battery_charging_state", "1 for the battery's state, 0 for the other ones", [
      "state",
    ]),
    lowPower: gauge("pmset_low_power_mode", "1 while Low Power Mode is on"),
    mode: gauge("pmset_power_mode", "1 for the power mode in use, 0 for the other ones", ["mode"]),
  },
  create: () => (sample, observe) => {
    observeState(sample.powerSource, knownSources, (source, value) => observe("source", value, { source }));
    observeState(sample.batteryState, knownStates, (state, value) => observe("charging", value, { state }));
    const { powerMode } = sample;
    observe("lowPower", powerMode === undefined ? undefined : Number(powerMode === "low"));
    observeState(powerMode, knownModes, (mode, value) => observe("mode", value, { mode }));
  },
});
