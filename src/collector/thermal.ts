/** Heat: thermal pressure on all Macs, temperatures and fans on Intel ones. */
import { agentCounter, gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { observeState } from "./values.ts";

/** Apple's OSThermalNotification levels for macOS. */
const knownStates = ["nominal", "moderate", "heavy", "trapping", "sleeping"];
/** Different states that are counted: five are known, and no Mac was seen with another one. */
const mostStates = 20;

/** One series per state, 1 for the present one, and the time spent in each. */
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

/** Powermetrics has no such source on Apple Silicon, so there they are absent. */
export const smc = collector({
  source: "powermetrics",
  samplers: ["smc"],
  metrics: {
    cpuTemperature: gauge("powermetrics_cpu_temperature_celsius", "Temperature of the CPU die, Intel only", [
      "sensor_id",
    ]),
    gpuTemperature: gauge("powermetrics_gpu_temperature_celsius", "Temperature of the GPU die, Intel only", [
      "sensor_id",
    ]),
    fanSpeed: gauge("powermetrics_fan_speed_rpm", "Speed of the fan, Intel only", ["fan"]),
  },
  create:
    () =>
    ({ smc: sample }, observe) => {
      observe("cpuTemperature", sample?.cpuDieCelsius, { sensor_id: "cpu_die" });
      observe("gpuTemperature", sample?.gpuDieCelsius, { sensor_id: "gpu_die" });
      observe("fanSpeed", sample?.fanRpm, { fan: "fan" });
    },
});
