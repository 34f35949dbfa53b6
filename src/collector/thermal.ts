/** Thermal pressure: one series per state, 1 for the present one. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { observeState } from "./values.ts";

/** Apple's OSThermalNotification levels for macOS. */
const knownStates = ["nominal", "moderate", "heavy", "trapping", "sleeping"];

export const thermal = collector({
  source: "powermetrics",
  samplers: ["thermal"],
  metrics: {
    state: gauge(
      "powermetrics_thermal_pressure_state",
      "1 for the thermal pressure at the end of the window, 0 for the other states",
      ["state"],
    ),
  },
  create:
    () =>
    ({ thermalPressure }, observe) =>
      observeState(thermalPressure, knownStates, (state, value) => observe("state", value, { state })),
});
