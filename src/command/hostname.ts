/** Owns the name this machine goes by: its host name at first start, kept since then, since macOS renames a Mac by the network it is in. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stateFolder, type Place } from "../config/locate.ts";
import { causeOf } from "../runtime/cause.ts";
import { writeAtomically } from "../runtime/files.ts";

const fileName = "hostname";

/** The kept name, or `present` where none was kept yet. */
export function keptHostname(place: Place, present: string): string {
  try {
    const kept = readFileSync(join(stateFolder(place), fileName), "utf8").trim();
    return kept === "" ? present : kept;
  } catch {
    return present;
  }
}

/** Keeps the name for later starts; why it could not, in one line, or nothing. */
export function keepHostname(place: Place, hostname: string): string | undefined {
  const folder = stateFolder(place);
  const path = join(folder, fileName);
  if (keptHostname(place, "") !== "") return undefined;
  try {
    mkdirSync(folder, { recursive: true });
    writeAtomically(path, `${hostname}\n`);
    return undefined;
  } catch (error) {
    return `cannot keep the host name in ${path}: ${causeOf(error)}; the instance label changes with the host name`;
  }
}
