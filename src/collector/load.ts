/** The load averages as sysctl reports them. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

export const load = collector({
  source: "sysctl",
  metrics: {
    average: gauge(
      "sysctl_load_average",
      "Mean number of threads that ran or waited to run, over as many minutes",
      ["minutes"],
    ),
  },
  create:
    () =>
    ({ loadAverages }, observe) => {
      observe("average", loadAverages?.one, { minutes: "1" });
      observe("average", loadAverages?.five, { minutes: "5" });
      observe("average", loadAverages?.fifteen, { minutes: "15" });
    },
});
