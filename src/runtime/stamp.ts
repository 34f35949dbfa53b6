/** Tells cheaply whether a file is still the one that was read. */
import { statSync } from "node:fs";

/** Changes whenever the file is written or replaced, within the same second too; `absent` where it can't be looked at. */
export function fileStamp(path: string): string {
  try {
    const stat = statSync(path, { bigint: true });
    return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
  } catch {
    return "absent";
  }
}
