/** The OTLP resource: who the agent is to a receiver, by the names of OpenTelemetry's semantic conventions. */
import type { LabelPair } from "../../metric/series.ts";
import type { HostFacts } from "../../runtime/host.ts";
import type { Identity } from "../identity.ts";

/**
 * Receivers make `job` of `service.name` and `instance` of `service.instance.id`
 * (OpenTelemetry specification, Prometheus compatibility, "Resource attributes").
 */
export function resourceAttributes(
  { job, instance }: Pick<Identity, "job" | "instance">,
  host: HostFacts,
  version: string,
  configured: Readonly<Record<string, string>>,
): readonly LabelPair[] {
  const all: Readonly<Record<string, string | undefined>> = {
    "service.name": job,
    "service.instance.id": instance,
    "service.version": version,
    "host.name": host.name,
    "host.id": host.id,
    "host.arch": host.arch === "x64" ? "amd64" : host.arch,
    "os.type": "darwin",
    "os.version": host.osVersion,
    "os.build_id": host.osBuild,
    "device.model.identifier": host.model,
    ...configured,
  };
  return Object.entries(all).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] as const],
  );
}
