/** Reads what was used in the window: network, disks, interrupts, and tasks or coalitions (src/parse/README.md, 3.3 and 3.4). */
import { defined } from "../../runtime/defined.ts";
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";
import type { DiskWindow, InterruptWindow, NetworkWindow, TaskWindow } from "../sample.ts";
import { coreIds } from "./core.ts";

const knownOfNetwork = new Set(
  "opackets opacket_rate ipackets ipacket_rate obytes obyte_rate ibytes ibyte_rate".split(" "),
);
const knownOfDisk = new Set(
  "rops_diff rops_per_s wops_diff wops_per_s rbytes_diff rbytes_per_s wbytes_diff wbytes_per_s".split(" "),
);

export function readNetwork(network: Fields, log: FindingLog): NetworkWindow {
  network.expect(knownOfNetwork);
  const amount = (key: string): number | undefined => log.amount(`network_${key}`, network.number(key));
  return defined({
    receivedBytes: amount("ibytes"),
    receivedPackets: amount("ipackets"),
    transmittedBytes: amount("obytes"),
    transmittedPackets: amount("opackets"),
  });
}

export function readDisk(disk: Fields, log: FindingLog): DiskWindow {
  disk.expect(knownOfDisk);
  const amount = (key: string): number | undefined => log.amount(`disk_${key}`, disk.number(key));
  return defined({
    readBytes: amount("rbytes_diff"),
    writtenBytes: amount("wbytes_diff"),
    reads: amount("rops_diff"),
    writes: amount("wops_diff"),
  });
}

const knownOfCpu = new Set(["cpu", "interrupts", "vectors"]);
const knownOfRow = new Set(["name", "vector", "events", "events_per_s"]);

/** By CPU: by kind on Apple Silicon (`interrupts`), by vector on Intel (`vectors`). */
export function readInterrupts(cpus: readonly Fields[], log: FindingLog): readonly InterruptWindow[] {
  const ids = coreIds();
  return cpus.flatMap((cpu) => {
    cpu.expect(knownOfCpu);
    const core = ids.take(cpu);
    if (core === undefined) return [];
    const rows = [...(cpu.rows("interrupts") ?? []), ...(cpu.rows("vectors") ?? [])];
    return rows.flatMap((row) => readRow(core, row, log));
  });
}

/** The type is the name alone: a vector's number means nothing outside its machine. */
function readRow(core: string, row: Fields, log: FindingLog): readonly InterruptWindow[] {
  row.expect(knownOfRow);
  const type = row.text("name");
  const count = log.amount("interrupt_events", row.number("events"));
  if (type === undefined) row.strange("name");
  return type === undefined || count === undefined ? [] : [{ core, type, count }];
}

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
