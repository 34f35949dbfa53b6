/** Installs on a fake Mac in tests, and reads what came of it. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { install, uninstall, type Installation } from "../../src/daemon/install.ts";
import { starterEnvironment, starterFile } from "../../src/daemon/launchd-files.ts";
import type { StepReport } from "../../src/daemon/step.ts";
import type { System } from "../../src/daemon/system.ts";
import type { PreparedVersion } from "../../src/daemon/version.ts";
import type { FakeMac } from "./fake-mac.ts";

export const account = "_macagent";

export function installation(mac: FakeMac, version: PreparedVersion): Installation {
  return {
    version,
    account,
    configuration: starterFile(mac.layout),
    environment: starterEnvironment,
    probe: mac.probe,
    readyTimeoutMs: 10_000,
  };
}

export async function run(
  mac: FakeMac,
  version: PreparedVersion,
  { dryRun = false, system = mac.system }: { dryRun?: boolean; system?: System } = {},
) {
  const reports: StepReport[] = [];
  const report = (step: StepReport): void => void reports.push(step);
  const outcome = await install(installation(mac, version), system, { dryRun, report });
  return { outcome, reports, did: reports.filter(({ status }) => status === "done") };
}

export async function remove(mac: FakeMac, { purge = false, dryRun = false } = {}) {
  const reports: StepReport[] = [];
  const report = (step: StepReport): void => void reports.push(step);
  const failure = await uninstall(account, mac.system, { purge, dryRun, report });
  return { failure, reports };
}

/** Everything below the folder but the downloads, with permissions. */
export function tree({ prefix }: FakeMac): Record<string, string> {
  const paths = readdirSync(prefix, { recursive: true, encoding: "utf8" }).filter(
    (path) => !/^(downloads|node)/.test(path),
  );
  return Object.fromEntries(
    paths.toSorted().map((path) => [path, (lstatSync(join(prefix, path)).mode & 0o7777).toString(8)]),
  );
}
