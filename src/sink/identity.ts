/** Who a series belongs to: `job`, `instance` and the external labels, which no collector knows. */
import type { Series } from "../metric/series.ts";

export interface Identity {
  readonly job: string;
  readonly instance: string;
  /** Of lowest rank: a series' own labels, `job` and `instance` win over them, as in Prometheus. */
  readonly externalLabels: Readonly<Record<string, string>>;
}

/** All labels of a series on the wire, `__name__` included, unordered; no label is empty, since that is no label. */
export function identifiedLabels({ name, labels }: Series, identity: Identity): Map<string, string> {
  const all = new Map(Object.entries(identity.externalLabels));
  all.set("job", identity.job);
  all.set("instance", identity.instance);
  for (const [label, value] of labels) all.set(label, value);
  all.set("__name__", name);
  for (const [label, value] of all) if (label === "" || value === "") all.delete(label);
  return all;
}
