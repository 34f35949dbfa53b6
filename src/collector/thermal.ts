/** Thermal pressure: one series per state, 1 for the present one, and the time spent in each. */
import { agentCounter, gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { observeState } from "./values.ts";

/** Apple's OSThermalNotification levels for macOS. */
const knownStates = ["nominal", "moderate", "heavy", "trapping", "sleeping"];
/** Different states that are counted: five are known, and no Mac was seen with another one. */
const mostStates = 20;

export const thermal = collector({
  source: "powermetrics",
  samplers: ["thermal"],
  metrics: {
    state: gauge(
      "powermetrics_thermal_pressure_state",
      "1 for the thermal pressure at the end of the window, 0 for the other states",
      ["state"],
    ),
    seconds: agentCounter(
      "powermetrics_thermal_pressure_seconds_total",
      "Length of all sample windows that ended in the state",
      ["state"],
    ),
  },
  create() {
    const nanoseconds = new Map<string, number>();
    return ({ thermalPressure, elapsedNs }, observe, { accrues }) => {
      observeState(thermalPressure, knownStates, (state, value) => {
        observe("state", value, { state });
        const total = nanoseconds.get(state);
        if (total === undefined && nanoseconds.size === mostStates) return;
        nanoseconds.set(state, (total ?? 0) + (accrues ? value * elapsedNs : 0));
      });
      for (const [state, total] of nanoseconds) observe("seconds", total / 1e9, { state });
    };
  },
});
