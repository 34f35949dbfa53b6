/** The checks of `doctor` on what runs: the job, its port and its readiness. */
import type { Configuration } from "../../config/schema.ts";
import { parseAddress } from "../../runtime/address.ts";
import { listenObstacle } from "../../runtime/port.ts";
import { service } from "../layout.ts";
import type { ReadyProbe } from "../ready.ts";
import { isDisabled, readJob, type Job } from "../service.ts";
import { lookAt, type System } from "../system.ts";
import { broken, doubtful, well, type Finding } from "./finding.ts";

export async function serviceFindings(
  { web }: Configuration,
  system: System,
  probe: ReadyProbe,
): Promise<readonly Finding[]> {
  if (lookAt(system.layout.plist) === undefined) {
    const fix = "run sudo mac-powermetrics-agent install";
    return [
      doubtful("daemon", "is not installed", fix),
      ...(web.enabled ? await ports(web.listen_addresses) : []),
    ];
  }
  const job = await readJob(system);
  const label = await labelFinding(system, job);
  if (!job.loaded) return [label, ...(web.enabled ? await ports(web.listen_addresses) : [])];
  const answer = await probe();
  if (answer.ready) return [label, well("ready", "yes")];
  return [label, broken("ready", answer.reason, "see mac-powermetrics-agent logs")];
}

async function labelFinding(system: System, { loaded, state, lastExitCode }: Job): Promise<Finding> {
  if (await isDisabled(system))
    return broken(
      "label",
      `${service} is disabled`,
      `run sudo launchctl enable ${service}, and install again`,
    );
  if (!loaded) return broken("label", `${service} is not loaded`, "run sudo mac-powermetrics-agent install");
  if (state === "running") return well("label", `${service} is enabled, loaded and running`);
  const exit = lastExitCode === undefined ? "" : `, last exit code ${lastExitCode}`;
  return broken(
    "label",
    `${service} is loaded but ${state ?? "not running"}${exit}`,
    "see mac-powermetrics-agent logs --launchd",
  );
}

function ports(addresses: readonly string[]): Promise<readonly Finding[]> {
  return Promise.all(addresses.map(port));
}

async function port(address: string): Promise<Finding> {
  const obstacle = await listenObstacle(parseAddress(address) ?? { host: "", port: 0 });
  if (obstacle === undefined) return well("port", `${address} is free`);
  const fix = "end what listens there, or change web.listen_addresses";
  return broken("port", `cannot listen on ${address}: ${obstacle}`, fix);
}
