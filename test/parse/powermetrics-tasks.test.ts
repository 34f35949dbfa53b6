import assert from "node:assert/strict";
import test from "node:test";
import { read } from "./document.ts";

const withTasks = { tasks: true };

const usage = {
  cputime_ns: 1,
  cputime_ms_per_s: 0.1,
  intr_wakeups: 2,
  idle_wakeups: 1,
  diskio_bytesread: 3,
  diskio_byteswritten: 4,
  energy_impact: 5.5,
};

test("tasks are read when asked for, and pseudo-rows are none", () => {
  const tasks = [
    { pid: 1, name: "a & b", ...usage, gputime_ns: 6, bytes_received: 7, bytes_sent: 8, timer_wakeups: [] },
    { pid: 0, name: "kernel_task" },
    { pid: -1, name: "DEAD_TASKS", ...usage },
    { pid: -2, name: "ALL_TASKS", ...usage },
    { pid: 77 },
  ];
  const sample = read({ tasks, all_tasks: { pid: -2, name: "ALL_TASKS" } }, withTasks);
  assert.deepEqual(sample.tasks, [
    {
      name: "a & b",
      cpuNs: 1,
      gpuNs: 6,
      energyImpact: 5.5,
      wakeups: 2,
      diskReadBytes: 3,
      diskWrittenBytes: 4,
      networkReceivedBytes: 7,
      networkTransmittedBytes: 8,
    },
    { name: "kernel_task" },
  ]);
  assert.deepEqual(sample.findings, { unknown: ["tasks[].name"], implausible: [] });
  assert.equal(read({ tasks }).tasks, undefined);
});

test("a coalition has the network of its tasks, and the coalition of the dead is none", () => {
  const coalitions = [
    {
      id: 35743,
      name: "com.example.app",
      ...usage,
      tasks: [
        { pid: 1, name: "x", bytes_received: 10, bytes_sent: 1 },
        { pid: 2, name: "y", bytes_received: 5 },
        { pid: -1, name: "DEAD_TASKS", bytes_received: 1000 },
      ],
    },
    { id: 2, name: "quiet", tasks: [] },
    { name: "DEAD_TASKS_COALITION", cputime_ns: 5, tasks: [] },
  ];
  const { tasks } = read({ coalitions, tasks: [{ pid: 9, name: "not twice" }] }, withTasks);
  assert.deepEqual(
    tasks?.map(({ name, networkReceivedBytes, networkTransmittedBytes }) => [
      name,
      networkReceivedBytes,
      networkTransmittedBytes,
    ]),
    [
      ["com.example.app", 15, 1],
      ["quiet", undefined, undefined],
    ],
  );
});

test("a task's negative figure is withheld", () => {
  const { tasks, findings } = read(
    { tasks: [{ pid: 1, name: "a", cputime_ns: -1, intr_wakeups: 3 }] },
    withTasks,
  );
  assert.deepEqual(tasks, [{ name: "a", wakeups: 3 }]);
  assert.deepEqual(findings.implausible, ["task_cputime_ns"]);
});
