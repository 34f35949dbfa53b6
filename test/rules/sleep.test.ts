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
const stepSeconds = 30;
const week = (7 * 86_400) / stepSeconds;
const hour = 3600 / stepSeconds;

interface Mac {
  readonly instance: string;
  readonly labels?: string;
  readonly hasBattery: boolean;
  /** Whether it reports at a step. */
  readonly isAwake: (step: number) => boolean;
  /** Whether its battery's series come at a step where it is awake. */
  readonly hasPmset?: (step: number) => boolean;
}

/** Awake for nine hours a day, and of the night for one sample an hour; the battery's series end and begin `late` steps beside the others. */
function laptop(phase: number, late: number): Mac {
  const ofDay = (step: number): number => (step + phase) % (24 * hour);
  return {
    instance: `book-${phase}-${late}`,
    hasBattery: true,
    isAwake: (step) => ofDay(step) < 9 * hour || ofDay(step) % hour === 7,
    hasPmset: (step) => ofDay(step) >= late && ofDay(step) < 9 * hour - late,
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
  {
    skip: skipWithout("promtool"),
  },
  async () => {
    const firing = (alert: string): string =>
      `count by (alertname, instance) (count_over_time(ALERTS{alertname=~"${alert}",alertstate="firing"}[7d]))`;
    const cases = {
      rule_files: ruleFiles.map((name) => join(root, name)),
      evaluation_interval: "2m",
      tests: [
        {
          interval: `${stepSeconds}s`,
          input_series: macs.flatMap(seriesOfMac),
          promql_expr_test: [
            {
              expr: firing("Mac.+"),
              eval_time: "7d",
              exp_samples: [{ labels: '{alertname="MacDesktopSilent",instance="dead"}', value: 1 }],
            },
            {
              expr: 'count by (class) (instance:mac_agent_last_sample_timestamp_seconds:max{instance=~"book.*"})',
              eval_time: "7d",
              exp_samples: [{ labels: '{class="laptop"}', value: laptops.length }],
            },
          ],
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
  },
);

function seriesOfMac({ instance, labels = "", hasBattery, isAwake, hasPmset = isAwake }: Mac): unknown[] {
  const of = (name: string, more = ""): string => `${name}{job="mac",instance="${instance}"${labels}${more}}`;
  const isReported = (step: number): boolean => isAwake(step) && hasPmset(step);
  return [
    {
      series: of("mac_agent_source_last_sample_timestamp_seconds", ',source="powermetrics"'),
      values: values(isAwake, (step) => step * stepSeconds),
    },
    { series: of("pmset_power_source_info", ',source="AC Power"'), values: values(isReported, () => 1) },
    ...(hasBattery
      ? [
          {
            series: of("pmset_battery_charging_state", ',state="charged"'),
            values: values(isReported, () => 1),
          },
        ]
      : []),
  ];
}

function values(isThere: (step: number) => boolean, value: (step: number) => number): string {
  return Array.from({ length: week }, (_, step) => (isThere(step) ? String(value(step)) : "_")).join(" ");
}
