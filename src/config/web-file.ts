/** Reads `web.config_file`: its content or everything that is wrong with it, with lines and columns. */
import { posix } from "node:path";
import type * as z from "zod";
import { fieldOf, type Plain } from "./field.ts";
import { problemsOf, wording } from "./issue.ts";
import { formatPath, formatProblem, inReadingOrder, type Problem } from "./problem.ts";
import { settle } from "./settle.ts";
import { isList, nearestNode, nodeOf, type Node } from "./tree.ts";
import { tlsBreaches, webSchema } from "./web-schema.ts";
import { readYaml } from "./yaml.ts";

/** With absolute paths and every default filled in; names of versions, ciphers and curves are OpenSSL's. */
type WebConfig = z.output<typeof webSchema>;

type WebFile =
  | { readonly ok: true; readonly config: WebConfig; readonly warnings: readonly string[] }
  /** One line each, in reading order, never empty. */
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Never throws for what the file holds. Paths in it start at its own folder, and `${}` has no meaning, as in Prometheus.
 *
 * @param file absolute path, for messages and as the place of relative paths
 */
export function parseWebFile(file: string, bytes: Uint8Array): WebFile {
  const { root: written, problems: broken } = readYaml(file, bytes, (name) => `\${${name}}`);
  const problems: Problem[] = [...broken];
  const root = written ?? nodeOf({}, { kind: "file", file, line: 1, column: 1 });
  const field = fieldOf(webSchema);
  const input = settle(root, field, [], {
    origins: new Map(),
    problems,
    defaultText: (text) => text,
    absolute: (path) => posix.resolve(posix.dirname(file), path),
    unsupported: () => false,
  });
  const result = webSchema.safeParse(input, { error: wording(root, field) });
  if (!result.success) problems.push(...problemsOf(result.error.issues, root));
  problems.push(...breachesOf(input, root));
  if (!result.success || problems.length > 0)
    return { ok: false, problems: inReadingOrder(problems).map(formatProblem) };
  return { ok: true, config: result.data, warnings: warningsOf(result.data) };
}

function breachesOf(input: Plain | undefined, root: Node): Problem[] {
  const tls = sectionOf(input, "tls_server_config");
  if (tls === undefined) return [];
  return [...tlsBreaches(tls)].map(([key, message]) => {
    const path = ["tls_server_config", key];
    return { origin: nearestNode(root, path).origin, path: formatPath(path), message };
  });
}

function sectionOf(
  value: Plain | undefined,
  key: string,
): Readonly<Partial<Record<string, Plain>>> | undefined {
  const section = isSection(value) ? value[key] : undefined;
  return isSection(section) ? section : undefined;
}

function isSection(value: Plain | undefined): value is Readonly<Partial<Record<string, Plain>>> {
  return typeof value === "object" && value !== null && !isList(value);
}

function warningsOf({ http_server_config }: WebConfig): string[] {
  return http_server_config.http2 === true
    ? ["http_server_config.http2: HTTP/2 is not supported, requests are answered by HTTP/1.1"]
    : [];
}
