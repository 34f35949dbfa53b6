/** Owns tasks and coalitions (FORMATS.md, section 3.5): what each used in the window. */
import { defined } from "../defined.ts";
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";
import type { TaskWindow } from "../sample.ts";

/** One row an application: coalitions where the tool groups by them, tasks otherwise. */
export function readTasks(document: Fields, log: FindingLog): readonly TaskWindow[] | undefined {
  const rows = document.rows("coalitions") ?? document.rows("tasks");
  return rows?.filter(isReal).flatMap((row) => readTask(row, log));
}

/** Sums and the dead have a negative pid; the coalition of the dead has neither pid nor id. */
function isReal(row: Fields): boolean {
  const pid = row.number("pid") ?? row.number("id");
  if (pid !== undefined) return pid >= 0;
  const name = row.text("name") ?? "";
  return !name.startsWith("DEAD_TASKS") && name !== "ALL_TASKS";
}

function readTask(row: Fields, log: FindingLog): readonly TaskWindow[] {
  const name = row.text("name");
  if (name === undefined) {
    row.strange("name");
    return [];
  }
  const amount = (key: string): number | undefined => log.amount(`task_${key}`, row.number(key));
  return [
    {
      name,
      ...defined({
        cpuNs: amount("cputime_ns"),
        gpuNs: amount("gputime_ns"),
        energyImpact: amount("energy_impact"),
        // All of them: `idle_wakeups` are those among them that woke the package, and 0 on Apple Silicon.
        wakeups: amount("intr_wakeups"),
        diskReadBytes: amount("diskio_bytesread"),
        diskWrittenBytes: amount("diskio_byteswritten"),
        networkReceivedBytes: amount("bytes_received") ?? sumOfMembers(row, "bytes_received", log),
        networkTransmittedBytes: amount("bytes_sent") ?? sumOfMembers(row, "bytes_sent", log),
      }),
    },
  ];
}

/** A coalition has no network figures of its own; its tasks have. */
function sumOfMembers(coalition: Fields, key: string, log: FindingLog): number | undefined {
  let sum: number | undefined;
  for (const member of coalition.rows("tasks") ?? []) {
    const amount = isReal(member) ? log.amount(`task_${key}`, member.number(key)) : undefined;
    if (amount !== undefined) sum = (sum ?? 0) + amount;
  }
  return sum;
}
