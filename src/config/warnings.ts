/** Warns about what is allowed but probably not meant. */
import { formatPath } from "./problem.ts";
import type { Configuration } from "./schema.ts";
import { credentialsIn, isPrivateHost } from "../runtime/http/receiver-url.ts";
import type { HttpSettings } from "../runtime/http/schema.ts";
import { exposureWarning, parseAddress } from "../runtime/address.ts";

interface WarningContext {
  secretFileWarning?(path: string, account: string): string | undefined;
}

/** One line each, in the order of the configuration. */
export function warningsOf(
  configuration: Configuration,
  context: WarningContext,
  file: string | undefined,
): string[] {
  const leaves = leavesOf(configuration);
  return [
    ...fileWarnings(leaves, context, file),
    ...sourceWarnings(configuration),
    ...labelWarnings(configuration),
    ...sinkWarnings(configuration),
    ...leaves.flatMap((leaf) => leafWarnings(leaf, configuration.run_as, context)),
    ...webWarnings(configuration),
  ];
}

interface Leaf {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
}

function sourceWarnings({ sources }: Configuration): string[] {
  const enabled = Object.values(sources).some((source) => source.enabled);
  return enabled ? [] : ["sources: every source is disabled, so there is nothing to send"];
}

/** Every series has both labels already, and an external label never wins. */
function labelWarnings({ global }: Configuration): string[] {
  return ["job", "instance"]
    .filter((name) => Object.hasOwn(global.external_labels, name))
    .map((name) => `global.external_labels.${name}: has no effect, set global.${name} instead`);
}

function sinkWarnings({ remote_write, otlp, pushgateway }: Configuration): string[] {
  return [
    ...remote_write.flatMap((block, index) => clearText(`remote_write[${index}].url`, block.url, block)),
    ...otlp.flatMap((block, index) => {
      const key = block.metrics_endpoint === undefined ? "endpoint" : "metrics_endpoint";
      const address = block[key] ?? "";
      return [
        ...clearText(`otlp[${index}].${key}`, address, block),
        ...(URL.parse(address)?.port === "4317"
          ? [
              `otlp[${index}].${key}: port 4317 is that of OTLP over gRPC; over HTTP, as here, it is usually 4318`,
            ]
          : []),
      ];
    }),
    ...pushgateway.flatMap((block, index) => clearText(`pushgateway[${index}].url`, block.url, block)),
  ];
}

/** Credentials that anyone on the way can read. */
function clearText(path: string, address: string, block: HttpSettings): string[] {
  const url = URL.parse(address);
  if (url?.protocol !== "http:" || isPrivateHost(url.hostname)) return [];
  const sent =
    block.basic_auth !== undefined ||
    block.authorization !== undefined ||
    block.oauth2 !== undefined ||
    url.username !== "" ||
    credentialsIn(url).length > 0 ||
    Object.keys(block.headers ?? {}).some((name) => credential.test(name));
  return sent ? [`${path}: credentials go over http:// in clear text, use https://`] : [];
}

function webWarnings({ web }: Configuration): string[] {
  if (!web.enabled || web.config_file !== undefined) return [];
  return web.listen_addresses.flatMap((text) => {
    const address = parseAddress(text);
    return address === undefined
      ? []
      : prefixed(["web", "listen_addresses"], exposureWarning(address, false));
  });
}

/** A file that holds a secret itself is as private as the secret; one warning says it. */
function fileWarnings(leaves: readonly Leaf[], context: WarningContext, file: string | undefined): string[] {
  const secret = leaves.find(({ path, value }) => isSecret(value) && credential.test(String(path.at(-1))));
  const warning =
    file !== undefined && secret !== undefined ? context.secretFileWarning?.(file, "root") : undefined;
  return secret === undefined ? [] : prefixed(secret.path, warning);
}

/** A header may be anything; these names promise a credential. */
const credential = /auth|token|key|secret|cookie|password|credentials/i;

function leafWarnings({ path, value }: Leaf, account: string, context: WarningContext): string[] {
  const name = String(path.at(-1));
  if (/^(?:password|credentials|key|client_secret)_file$/.test(name) && typeof value === "string") {
    return prefixed(path, context.secretFileWarning?.(value, account));
  }
  if (name === "token_url" && typeof value === "string") return prefixed(path, clearToken(value));
  if (name !== "insecure_skip_verify" || value !== true) return [];
  return prefixed(path, "any server is believed, set ca_file instead");
}

function clearToken(address: string): string | undefined {
  const url = URL.parse(address);
  if (url?.protocol !== "http:" || isPrivateHost(url.hostname)) return undefined;
  return "the client's secret goes over http:// in clear text, use https://";
}

const prefixed = (path: readonly PropertyKey[], warning: string | undefined): string[] =>
  warning === undefined ? [] : [`${formatPath(path)}: ${warning}`];

/** Every value that is no container; a secret is one value. */
function leavesOf(value: unknown, path: readonly PropertyKey[] = []): Leaf[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (typeof value !== "object" || value === null || isSecret(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "reveal" in value;
