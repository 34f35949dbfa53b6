/** The OTLP resource: who the agent is to a receiver, by the names of OpenTelemetry's semantic conventions. */
import type { LabelPair } from "../../metric/series.ts";
import type { Identity } from "../identity.ts";

/** What is known of the machine; a fact that is not known is absent from the resource. */
export interface HostFacts {
  readonly name?: string;
  /** Stable and unique, such as the hardware UUID. */
  readonly id?: string;
  /** As Node says it: arm64, x64. */
  readonly arch?: string;
  readonly osVersion?: string;
  readonly osBuild?: string;
  /** Apple's model identifier, such as Mac16,10. */
  readonly model?: string;
}

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
