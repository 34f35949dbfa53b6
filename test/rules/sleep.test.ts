/** A week of a fleet that sleeps: which Macs page somebody by falling silent, when series end without end marks. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { disposableFolder } from "../support/folder.ts";
import { findReceiver, skipWithout } from "../support/receivers.ts";
import { ruleFiles } from "./queries.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** How often samples come, and how many would come without a sleep. */
interface Pace {
  readonly stepSeconds: number;
  readonly steps: number;
}

const week: Pace = { stepSeconds: 30, steps: (7 * 86_400) / 30 };
const hour = 3600 / week.stepSeconds;

interface Mac {
  readonly instance: string;
  readonly labels?: string;
  readonly hasBattery: boolean;
  /** Whether it reports at a step. */
  readonly isAwake: (step: number) => boolean;
  /** Whether the battery's series come, which is when it is awake unless this says otherwise. */
  readonly isReported?: (step: number) => boolean;
}

/** Awake for nine hours a day, and of the night for one sample an hour; the battery's series end and begin `late` steps beside the others. */
function laptop(phase: number, late: number): Mac {
  const ofDay = (step: number): number => (step + phase) % (24 * hour);
  return {
    instance: `book-${phase}-${late}`,
    hasBattery: true,
    isAwake: (step) => ofDay(step) < 9 * hour || ofDay(step) % hour === 7,
    isReported: (step) => ofDay(step) >= late && ofDay(step) < 9 * hour - late,
  };
}

const laptops = Array.from({ length: 8 }, (_, index) => laptop(index, index % 4));
const died = 3 * 24 * hour;
const macs: readonly Mac[] = [
  ...laptops,
  { instance: "mini", hasBattery: false, isAwake: () => true },
  { instance: "dead", hasBattery: false, isAwake: (step) => step < died },
  {
    instance: "imac",
    labels: ',may_sleep="yes"',
    hasBattery: false,
    isAwake: (step) => step % (24 * hour) < 9 * hour,
  },
];

test(
  "a week of laptops that sleep pages nobody, a desktop that died does once",
  { skip: skipWithout("promtool") },
  async () => {
    await assertRules(macs, week, {
      [`count by (alertname, instance) (${firing("Mac.+", "7d")})`]: [
        { labels: '{alertname="MacDesktopSilent",instance="dead"}', value: 1 },
      ],
      [`count by (class) (${lastSeen}{instance=~"book.*"})`]: [
        { labels: '{class="laptop"}', value: laptops.length },
      ],
    });
  },
);

/** Two hours, of which 20 minutes are awake, in steps that are a sixth of the rules' interval. */
const afternoon: Pace = { stepSeconds: 10, steps: 720 };
const awake = 120;
const phases = Array.from({ length: 6 }, (_, phase) => phase);
/** How much earlier or later than the others the battery's series end; pmset is asked once a minute. */
const lags = [-6, -3, -1, 0, 1, 3, 6];

test(
  "whenever samples end without end marks, a laptop pages nobody, nor does a desktop that may sleep",
  { skip: skipWithout("promtool") },
  async () => {
    const sleeping: readonly Mac[] = phases.flatMap((phase) => {
      const isAwake = (step: number): boolean => step < awake + phase;
      return [
        ...lags.map((lag) => ({
          instance: `book-${phase}-${lag}`,
          hasBattery: true,
          isAwake,
          isReported: (step: number) => step < awake + phase + lag,
        })),
        { instance: `imac-${phase}`, labels: ',may_sleep="yes"', hasBattery: false, isAwake },
        { instance: `desk-${phase}`, hasBattery: false, isAwake },
      ];
    });
    await assertRules(sleeping, afternoon, {
      [`count by (instance) (${firing("MacDesktopSilent", "2h")})`]: phases.map((phase) => ({
        labels: `{instance="desk-${phase}"}`,
        value: 1,
      })),
      [`count by (class) (${lastSeen})`]: [
        { labels: '{class="laptop"}', value: phases.length * lags.length },
        { labels: '{class="desktop"}', value: 2 * phases.length },
      ],
    });
  },
);

const lastSeen = "instance:mac_agent_last_sample_timestamp_seconds:max";

function firing(alert: string, range: string): string {
  return `count_over_time(ALERTS{alertname=~"${alert}",alertstate="firing"}[${range}])`;
}

/** Asks promtool, at the end of the time, what each query returns. */
async function assertRules(
  macs: readonly Mac[],
  pace: Pace,
  queries: Readonly<Record<string, readonly { readonly labels: string; readonly value: number }[]>>,
): Promise<void> {
  const end = `${pace.steps * pace.stepSeconds}s`;
  const cases = {
    rule_files: ruleFiles.map((name) => join(root, name)),
    evaluation_interval: "2m",
    tests: [
      {
        interval: `${pace.stepSeconds}s`,
        input_series: macs.flatMap((mac) => seriesOfMac(mac, pace)),
        promql_expr_test: Object.entries(queries).map(([expr, exp_samples]) => ({
          expr,
          eval_time: end,
          exp_samples,
        })),
      },
    ],
  };
  using folder = disposableFolder();
  const file = join(folder.path, "sleep.json");
  await writeFile(file, JSON.stringify(cases));
  const { stdout } = await promisify(execFile)(
    findReceiver("promtool") ?? "promtool",
    ["test", "rules", file],
    { maxBuffer: 2 ** 26 },
  );
  assert.match(stdout, /SUCCESS/);
}

function seriesOfMac({ instance, labels = "", hasBattery, isAwake, isReported }: Mac, pace: Pace): unknown[] {
  const of = (name: string, more = ""): string => `${name}{job="mac",instance="${instance}"${labels}${more}}`;
  const hasPmset = isReported ?? isAwake;
  const power = (name: string, more: string) => ({
    series: of(name, more),
    values: values(pace, hasPmset, () => 1),
  });
  return [
    {
      series: of("mac_agent_source_last_sample_timestamp_seconds", ',source="powermetrics"'),
      values: values(pace, isAwake, (step) => step * pace.stepSeconds),
    },
    power("pmset_power_source_info", ',source="AC Power"'),
    ...(hasBattery ? [power("pmset_battery_charging_state", ',state="charged"')] : []),
  ];
}

function values(
  { steps }: Pace,
  isThere: (step: number) => boolean,
  value: (step: number) => number,
): string {
  return Array.from({ length: steps }, (_, step) => (isThere(step) ? String(value(step)) : "_")).join(" ");
}
