/** The checks of `doctor` on what runs: the job, its port and its readiness. */
import type { Configuration } from "../../config/schema.ts";
import { parseAddress, listenObstacle } from "../../runtime/address.ts";
import { label, service } from "../layout.ts";
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
  const state = [await labelFinding(system, job), ...(await backgroundItem(system))];
  if (!job.loaded) return [...state, ...(web.enabled ? await ports(web.listen_addresses) : [])];
  const answer = await probe();
  if (answer.ready) return [...state, well("ready", "yes")];
  return [...state, broken("ready", answer.reason, "see mac-powermetrics-agent logs")];
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

/**
 * The switch in System Settings, of which launchctl knows nothing (macOS 13 and newer). What sfltool(1) prints is documented
 * nowhere: what can't be found in it is no finding.
 */
async function backgroundItem({ tool, layout, isRoot }: System): Promise<readonly Finding[]> {
  // Without root it asks for a password in a window.
  if (!isRoot) return [];
  const { code, stdout } = await tool([layout.sfltool, "dumpbtm"]);
  if (code !== 0) return [];
  const items = stdout.split(/^[ \t]*#\d+:/m).filter((item) => item.includes(label));
  const dispositions = items.flatMap((item) => /^[ \t]*Disposition: \[([^\]]*)\]/m.exec(item)?.[1] ?? []);
  if (dispositions.length === 0) return [];
  const off = dispositions.find((words) => /\b(?:disabled|disallowed|not allowed)\b/.test(words));
  if (off === undefined) return [well("background item", `macOS lets it run: ${dispositions[0] ?? ""}`)];
  return [
    broken(
      "background item",
      `macOS does not let it run: ${off}`,
      "switch it on in System Settings > General > Login Items & Extensions, where macOS shows it as Node.js Foundation's",
    ),
  ];
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
