/**
 * The OTEL_* variables that name a receiver of metrics (OpenTelemetry specification, "OTLP Exporter
 * configuration" and "Environment variables"). A variable for metrics wins over the one for all signals.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** One value of a block, at its path within it. */
interface EnvironmentSetting {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: string;
}

interface EnvironmentProblem {
  readonly variable: string;
  readonly message: string;
}

interface OtlpEnvironment {
  /** The one block that the variables make; empty when none of them names an endpoint. For a configuration without blocks of its own. */
  readonly block: readonly EnvironmentSetting[];
  /** For every block, below its own `resource_attributes`. */
  readonly resource: readonly EnvironmentSetting[];
  readonly problems: readonly EnvironmentProblem[];
}

const prefix = "OTEL_EXPORTER_OTLP_";

/** Never throws. An empty variable counts as unset, as the specification has it. */
export function otlpFromEnvironment(env: Environment): OtlpEnvironment {
  const problems: EnvironmentProblem[] = [];
  const reading: Reading = { env, problems };
  const resource = resourceSettings(reading);
  const endpoint = endpointSetting(env);
  if (endpoint === undefined || isDisabled(env)) return { block: [], resource, problems };
  const block = [
    endpoint,
    ...headerSettings(reading),
    ...choice(reading, "PROTOCOL", ["encoding"], encodings),
    ...choice(reading, "COMPRESSION", ["compression"], compressions),
    ...temporality(reading),
    ...timeout(reading),
    ...file(env, "CERTIFICATE", "ca_file"),
    ...file(env, "CLIENT_CERTIFICATE", "cert_file"),
    ...file(env, "CLIENT_KEY", "key_file"),
  ];
  return { block, resource, problems };
}

/** By the SDK's own switches: a machine may name an endpoint for all programs and still want no metrics sent there. */
function isDisabled(env: Environment): boolean {
  if (variable(env, "OTEL_SDK_DISABLED")?.text.toLowerCase() === "true") return true;
  const exporters = variable(env, "OTEL_METRICS_EXPORTER")?.text.split(",") ?? ["otlp"];
  return !exporters.some((exporter) => exporter.trim().toLowerCase() === "otlp");
}

interface Reading {
  readonly env: Environment;
  readonly problems: EnvironmentProblem[];
}

interface Variable {
  readonly variable: string;
  readonly text: string;
}

function variable(env: Environment, name: string): Variable | undefined {
  const text = env[name]?.trim() ?? "";
  return text === "" ? undefined : { variable: name, text };
}

/** The variable for metrics, or else the one for all signals. */
function signal(env: Environment, name: string): Variable | undefined {
  return variable(env, `${prefix}METRICS_${name}`) ?? variable(env, `${prefix}${name}`);
}

/** An endpoint for metrics is used as it is; to the one for all signals the path of metrics is appended. */
function endpointSetting(env: Environment): EnvironmentSetting | undefined {
  const metrics = variable(env, `${prefix}METRICS_ENDPOINT`);
  if (metrics !== undefined) return { ...named(metrics), path: ["metrics_endpoint"], value: metrics.text };
  const base = variable(env, `${prefix}ENDPOINT`);
  return base === undefined ? undefined : { ...named(base), path: ["endpoint"], value: base.text };
}

const named = ({ variable: name }: Variable): { readonly variable: string } => ({ variable: name });

/** Both lists count; a header for metrics wins. */
function headerSettings({ env, problems }: Reading): readonly EnvironmentSetting[] {
  const found = new Map<string, EnvironmentSetting>();
  for (const name of [`${prefix}HEADERS`, `${prefix}METRICS_HEADERS`]) {
    for (const [key, value] of pairs(variable(env, name), problems)) {
      found.set(key.toLowerCase(), { variable: name, path: ["headers", key.toLowerCase()], value });
    }
  }
  return [...found.values()];
}

/** OTEL_SERVICE_NAME wins over `service.name` in OTEL_RESOURCE_ATTRIBUTES. */
function resourceSettings({ env, problems }: Reading): readonly EnvironmentSetting[] {
  const list = variable(env, "OTEL_RESOURCE_ATTRIBUTES");
  const service = variable(env, "OTEL_SERVICE_NAME");
  const found = new Map(
    pairs(list, problems).map(([key, value]) => [key, { ...named(list ?? noVariable), value }]),
  );
  if (service !== undefined) found.set("service.name", { ...named(service), value: service.text });
  return [...found].map(([key, setting]) => ({ ...setting, path: ["resource_attributes", key] }));
}

const noVariable: Variable = { variable: "", text: "" };

/** W3C baggage without properties: `key=value,key=value`, percent-encoded. A broken list is reported, its values never. */
function pairs(
  list: Variable | undefined,
  problems: EnvironmentProblem[],
): readonly (readonly [string, string])[] {
  if (list === undefined) return [];
  const found = list.text
    .split(",")
    .filter((pair) => pair.trim() !== "")
    .map(pairOf);
  const whole = found.filter((pair) => pair !== undefined);
  if (whole.length < found.length)
    problems.push({ ...named(list), message: "must be a list such as key=value,key=value, percent-encoded" });
  return whole;
}

function pairOf(pair: string): readonly [string, string] | undefined {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair.trim()) ?? [];
  if (key === undefined || value === undefined) return undefined;
  try {
    return [decodeURIComponent(key.trim()), decodeURIComponent(value.trim())];
  } catch {
    return undefined;
  }
}

const encodings = { "http/protobuf": "protobuf", "http/json": "json" };
const compressions = { gzip: "gzip", none: "none" };
const temporalities = { cumulative: "cumulative", delta: "delta", lowmemory: "lowmemory" };

function choice(
  reading: Reading,
  name: string,
  path: readonly string[],
  choices: Readonly<Record<string, string>>,
): readonly EnvironmentSetting[] {
  const found = signal(reading.env, name);
  return found === undefined ? [] : chosen(found, path, choices, reading.problems);
}

/** Its name has the signal in another place. */
function temporality({ env, problems }: Reading): readonly EnvironmentSetting[] {
  const found = variable(env, `${prefix}METRICS_TEMPORALITY_PREFERENCE`);
  return found === undefined ? [] : chosen(found, ["temporality"], temporalities, problems);
}

function chosen(
  found: Variable,
  path: readonly string[],
  choices: Readonly<Record<string, string>>,
  problems: EnvironmentProblem[],
): readonly EnvironmentSetting[] {
  const text = found.text.toLowerCase();
  const value = Object.hasOwn(choices, text) ? choices[text] : undefined;
  if (value !== undefined) return [{ ...named(found), path, value }];
  const message =
    text === "grpc"
      ? "grpc is not supported: use http/protobuf"
      : `must be one of ${Object.keys(choices).join(", ")}, got ${JSON.stringify(found.text)}`;
  problems.push({ ...named(found), message });
  return [];
}

/** In milliseconds, as a number without a unit. */
function timeout({ env, problems }: Reading): readonly EnvironmentSetting[] {
  const found = signal(env, "TIMEOUT");
  if (found === undefined) return [];
  if (/^[0-9]{1,9}$/.test(found.text) && Number(found.text) > 0)
    return [{ ...named(found), path: ["timeout"], value: `${Number(found.text)}ms` }];
  problems.push({
    ...named(found),
    message: `must be a whole number of milliseconds, got ${JSON.stringify(found.text)}`,
  });
  return [];
}

function file(env: Environment, name: string, key: string): readonly EnvironmentSetting[] {
  const found = signal(env, name);
  return found === undefined ? [] : [{ ...named(found), path: ["tls_config", key], value: found.text }];
}
