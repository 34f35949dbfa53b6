/** What is known of the machine: for OpenTelemetry's resource and the status page. A fact that is not known is absent. */
export interface HostFacts {
  readonly name?: string;
  /** The hardware UUID: stable through renames and new installations. */
  readonly id?: string;
  /** As Node.js says it: arm64, x64. */
  readonly arch?: string;
  readonly osVersion?: string;
  readonly osBuild?: string;
  /** Apple's model identifier, such as Mac16,10. */
  readonly model?: string;
  /** `Apple M4`, or Intel's own words. */
  readonly chip?: string;
}
