/** Which machine the samples come from, and how long a window was. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

/** The label `simulated="true"` is added to the simulator's samples, so that their numbers are not taken for real ones. */
export const machine = collector({
  source: "powermetrics",
  metrics: {
    info: gauge("powermetrics_info", "Model, chip and operating system of the machine; always 1", [
      "hw_model",
      "os_build",
      "chip",
      "os_version",
      "simulated",
    ]),
    duration: gauge("powermetrics_sample_duration_seconds", "True length of the sample window"),
  },
  create:
    ({ simulated }) =>
    ({ hwModel, osBuild, chip, osVersion, elapsedNs }, observe) => {
      if (hwModel !== undefined || osBuild !== undefined) {
        observe("info", 1, {
          hw_model: hwModel ?? "",
          os_build: osBuild ?? "",
          chip: chip ?? "",
          os_version: osVersion ?? "",
          simulated: simulated ? "true" : "",
        });
      }
      observe("duration", elapsedNs / 1e9);
    },
});
