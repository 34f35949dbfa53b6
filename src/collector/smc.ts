/** Fans and temperatures of Intel Macs; powermetrics has no such source on Apple Silicon, so there they are absent. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

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
