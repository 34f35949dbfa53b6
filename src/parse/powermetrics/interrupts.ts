/** Owns interrupts by CPU: by kind on Apple Silicon (`interrupts`), by vector on Intel (`vectors`). */
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";
import type { InterruptWindow } from "../sample.ts";
import { coreIds } from "./core.ts";

const knownOfCpu = new Set(["cpu", "interrupts", "vectors"]);
const knownOfRow = new Set(["name", "vector", "events", "events_per_s"]);

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

/** The vector's number tells two devices of one name apart for nobody, so the name alone is the type. */
function readRow(core: string, row: Fields, log: FindingLog): readonly InterruptWindow[] {
  row.expect(knownOfRow);
  const type = row.text("name");
  const count = log.amount("interrupt_events", row.number("events"));
  if (type === undefined) row.strange("name");
  return type === undefined || count === undefined ? [] : [{ core, type, count }];
}
