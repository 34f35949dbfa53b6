/** Writes the generated files of launchd/: `node scripts/launchd.ts` makes them from the tables in src/daemon. */
import { mkdirSync, writeFileSync } from "node:fs";
import { launchdFiles } from "../src/daemon/launchd-files.ts";

const folder = new URL("../launchd/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, text] of launchdFiles()) writeFileSync(new URL(name, folder), text);
