/** Writes the rows of tasks, by themselves or grouped by coalition (src/parse/README.md, 3.4). */
import type { Host } from "./mac.ts";
import { demandAt, meanOver, type Window } from "./load.ts";
import { chance, noise } from "./noise.ts";
import { formatReal, type PlistWriter } from "./plist-writer.ts";

interface TaskRequest {
  readonly host: Host;
  readonly window: Window;
  readonly coalitions: boolean;
  readonly tasks: number;
}

/** What one row counts within the window. */
interface Usage {
  readonly cpuNs: number;
  readonly gpuNs: number;
  readonly interruptWakeups: number;
  readonly idleWakeups: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
}

interface Task extends Usage {
  readonly pid: number;
  readonly name: string;
}

const channel = { share: 3_000, wobble: 20_000 } as const;
const programs = [
  "kernel_task",
  "WindowServer",
  "Browser Helper",
  "Mail & Notes",
  "launchd",
  "mds_stores",
  "Terminal",
  "Music",
  "backupd",
  "cloudd",
  "Compiler <beta>",
  "node",
  "coreaudiod",
  "bluetoothd",
  "Photos Agent",
  "trustd",
  "loginwindow",
  "Editor",
  "distnoted",
  "powermetrics",
] as const;

/** @param unescaped prints names with their markup as it is, as powermetrics is said to do. */
export function writeTasks(plist: PlistWriter, request: TaskRequest, unescaped: boolean): void {
  const tasks = tasksIn(request);
  const writeName = (name: string): void => {
    if (unescaped) plist.unescapedString("name", name);
    else plist.string("name", name);
  };
  const row = (task: Task): void => writeTask(plist, request, task, writeName);
  if (request.coalitions) {
    plist.array("coalitions", coalitionsOf(tasks), (members, index) =>
      plist.dictionary(undefined, () => {
        const [first] = members;
        if (first !== undefined && first.pid >= 0) plist.integer("id", 100 + index);
        writeName(
          first === undefined || first.pid >= 0
            ? `com.example.${first?.name ?? "none"}`
            : "DEAD_TASKS_COALITION",
        );
        writeUsage(plist, request.window, sum(members), first?.pid ?? 0, false);
        plist.array("tasks", members, (task) => plist.dictionary(undefined, () => row(task)));
      }),
    );
  } else plist.array("tasks", tasks, (task) => plist.dictionary(undefined, () => row(task)));
  plist.dictionary("all_tasks", () => row({ pid: -2, name: "ALL_TASKS", ...sum(tasks) }));
}

function tasksIn({ host, window, tasks }: TaskRequest): readonly Task[] {
  const busyNs = meanOver(window, (at) => demandAt(host.seed, at)) * window.elapsedNs * 6;
  const rows = Array.from({ length: tasks }, (_, index) => taskRow(host.seed, window, index, busyNs));
  rows.sort((a, b) => b.cpuNs - a.cpuNs);
  return [...rows, { ...scaled(busyNs * 0.001, 0.3), pid: -1, name: "DEAD_TASKS" }];
}

/** Shares fall off steeply, as they do: the first few tasks do most of the work. */
function taskRow(seed: number, window: Window, index: number, busyNs: number): Task {
  const share =
    (0.35 / (1 + index) ** 1.2) * (0.4 + 1.2 * noise(seed, channel.share + index, window.endMs, 9_000));
  const program = programs[index % programs.length] ?? "node";
  const name = index < programs.length ? program : `${program} ${Math.floor(index / programs.length)}`;
  return {
    ...scaled(busyNs * share, chance(seed, channel.wobble, index)),
    pid: index === 0 ? 0 : 80 + index * 7,
    name,
  };
}

function scaled(cpuNs: number, wobble: number): Usage {
  const milliseconds = cpuNs / 1e6;
  return {
    cpuNs: Math.round(cpuNs),
    gpuNs: wobble > 0.85 ? Math.round(cpuNs * 0.3) : 0,
    interruptWakeups: Math.floor(milliseconds * (0.2 + wobble)),
    idleWakeups: Math.floor(milliseconds * 0.1 * wobble),
    bytesRead: wobble > 0.5 ? 4096 * Math.floor(milliseconds * 0.05) : 0,
    bytesWritten: wobble > 0.4 ? 4096 * Math.floor(milliseconds * 0.08) : 0,
    packetsReceived: wobble > 0.7 ? Math.floor(milliseconds * 0.06) : 0,
    packetsSent: wobble > 0.7 ? Math.floor(milliseconds * 0.04) : 0,
  };
}

function sum(tasks: readonly Task[]): Usage {
  const total = (figure: (task: Usage) => number): number =>
    tasks.reduce((all, task) => all + figure(task), 0);
  return {
    cpuNs: total((it) => it.cpuNs),
    gpuNs: total((it) => it.gpuNs),
    interruptWakeups: total((it) => it.interruptWakeups),
    idleWakeups: total((it) => it.idleWakeups),
    bytesRead: total((it) => it.bytesRead),
    bytesWritten: total((it) => it.bytesWritten),
    packetsReceived: total((it) => it.packetsReceived),
    packetsSent: total((it) => it.packetsSent),
  };
}

/** One to four tasks each; the dead have a coalition of their own. */
function coalitionsOf(tasks: readonly Task[]): readonly (readonly Task[])[] {
  const living = tasks.filter((task) => task.pid >= 0);
  const groups = new Map<number, Task[]>();
  for (const task of living) {
    const group = Math.floor(chance(1, channel.wobble + 1, task.pid) * Math.ceil(living.length / 2));
    groups.set(group, [...(groups.get(group) ?? []), task]);
  }
  return [...groups.values(), tasks.filter((task) => task.pid < 0)];
}

function writeTask(
  plist: PlistWriter,
  { window }: TaskRequest,
  task: Task,
  writeName: (name: string) => void,
): void {
  const started = task.pid < 0 ? 0 : task.pid * 3_700_000_041;
  plist.integer("pid", task.pid);
  writeName(task.name);
  plist.integer("started_abstime_ns", started);
  plist.integer("interval_ns", window.elapsedNs);
  writeUsage(plist, window, task, task.pid, true);
}

const qualities = [
  "disabled",
  "maintenance",
  "background",
  "utility",
  "default",
  "user_initiated",
  "user_interactive",
] as const;

/** The columns of a row; coalitions have fewer, and so have the dead. */
function writeUsage(plist: PlistWriter, window: Window, usage: Usage, pid: number, detailed: boolean): void {
  const seconds = Math.max(1e-3, (window.endMs - window.startMs) / 1000);
  const rated = (key: string, value: number): void => {
    plist.integer(key, value);
    plist.real(`${key}_per_s`, value / seconds);
  };
  const timed = (key: string, ns: number): void => {
    plist.integer(`${key}_ns`, ns);
    plist.real(`${key}_ms_per_s`, ns / 1e6 / seconds);
  };
  timed("cputime", usage.cpuNs);
  plist.real("cputime_sample_ms_per_s", usage.cpuNs / 1e6 / seconds);
  if (detailed) plist.real("cputime_userland_ratio", usage.cpuNs === 0 ? 0 : 0.72);
  rated("intr_wakeups", usage.interruptWakeups);
  rated("idle_wakeups", usage.idleWakeups);
  if (detailed) writeTimerWakeups(plist, usage, seconds);
  if (pid !== -1) {
    rated("diskio_bytesread", usage.bytesRead);
    rated("diskio_byteswritten", usage.bytesWritten);
    if (detailed) {
      rated("pageins", Math.floor(usage.bytesRead / 65_536));
      for (const quality of qualities) timed(`qos_${quality}`, quality === "default" ? usage.cpuNs : 0);
    }
  }
  if (usage.gpuNs > 0) timed("gputime", usage.gpuNs);
  if (detailed) writeTraffic(rated, usage);
  const impact = usage.cpuNs / 1e6 + usage.interruptWakeups * 0.02;
  plist.real("energy_impact", impact);
  plist.real("energy_impact_per_s", impact / seconds);
}

function writeTimerWakeups(plist: PlistWriter, usage: Usage, seconds: number): void {
  const rows = [
    [2_000_000, Math.floor(usage.interruptWakeups * 0.3)],
    [5_000_000, Math.floor(usage.interruptWakeups * 0.1)],
  ] as const;
  plist.array("timer_wakeups", rows, ([interval, wakeups]) => {
    plist.line("<dict>");
    plist.line(`  <key>interval_ns</key><integer>${interval}</integer>`);
    plist.line(`  <key>wakeups</key><integer>${wakeups}</integer>`);
    plist.line(`  <key>wakeups_per_s</key><real>${formatReal(wakeups / seconds)}</real>`);
    plist.line("</dict>");
  });
}

function writeTraffic(rated: (key: string, value: number) => void, usage: Usage): void {
  rated("packets_received", usage.packetsReceived);
  rated("packets_sent", usage.packetsSent);
  rated("bytes_received", usage.packetsReceived * 900);
  rated("bytes_sent", usage.packetsSent * 310);
}
