/**
 * Reads `web.config_file`: its content or everything that is wrong with it, with lines and columns. The format is that of Prometheus'
 * exporter-toolkit (https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md); Go's names of versions,
 * ciphers and curves are turned into OpenSSL's.
 */
import { posix } from "node:path";
import * as z from "zod";
import { durationSetting } from "../runtime/setting.ts";
import { createWritten } from "./document.ts";
import { fieldOf, isList, type Plain } from "./field.ts";
import { formatProblem, inReadingOrder, problemAt, quote, suggestion } from "./problem.ts";
import { readYaml } from "./read-yaml.ts";
import { validate } from "./validate.ts";

/** With absolute paths and every default filled in. */
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
  const written = createWritten(readYaml(file, bytes, (name) => `\${${name}}`));
  const { valid, value } = validate(webSchema, fieldOf(webSchema), written, {
    defaultText: (text) => text,
    absolute: (path) => posix.resolve(posix.dirname(file), path),
    unsupported: () => undefined,
    ignored: () => undefined,
  });
  const { problems, nearest, originOf } = written;
  for (const [key, message] of tlsBreaches(sectionOf(value, "tls_server_config"))) {
    const path = ["tls_server_config", key];
    problems.push(problemAt(originOf(nearest(path)), message, path));
  }
  if (valid === undefined || problems.length > 0)
    return { ok: false, problems: inReadingOrder(problems).map(formatProblem) };
  return { ok: true, config: valid, warnings: warningsOf(valid) };
}

type Section = Readonly<Partial<Record<string, Plain>>>;

function sectionOf(value: Plain | undefined, key: string): Section | undefined {
  const section = isSection(value) ? value[key] : undefined;
  return isSection(section) ? section : undefined;
}

function isSection(value: Plain | undefined): value is Section {
  return typeof value === "object" && value !== null && !isList(value);
}

function warningsOf({ http_server_config }: WebConfig): string[] {
  return http_server_config.http2 === true
    ? ["http_server_config.http2: HTTP/2 is not supported, requests are answered by HTTP/1.1"]
    : [];
}

const versions = { TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;

/** What Go's `tls.CipherSuites()` lists. Those of TLS 1.3 are always on, as in Go. */
const ciphers = {
  TLS_AES_128_GCM_SHA256: "TLS_AES_128_GCM_SHA256",
  TLS_AES_256_GCM_SHA384: "TLS_AES_256_GCM_SHA384",
  TLS_CHACHA20_POLY1305_SHA256: "TLS_CHACHA20_POLY1305_SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
} as const;

const curves = { CurveP256: "P-256", CurveP384: "P-384", CurveP521: "P-521", X25519: "X25519" } as const;

const clientAuthTypes = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  // exporter-toolkit's older name of the one above.
  "RequireClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;

/** Accepts the keys of a table and gives what they stand for. */
function named<const Table extends Readonly<Record<string, string>>>(table: Table, thing: string) {
  const names = Object.keys(table) as (keyof Table & string)[];
  const wrong = (got: unknown): string =>
    `must be ${thing}, got ${quote(got)}${suggestion(String(got), names)}`;
  return z.enum(names, { error: ({ input }) => wrong(input) }).transform((name) => table[name]);
}

const text = () => z.string().min(1).optional();
const secret = () => text().meta({ writeOnly: true });

const version = () => named(versions, "TLS10, TLS11, TLS12 or TLS13");

const tlsSchema = z.strictObject({
  cert: text(),
  key: secret(),
  client_ca: text(),
  cert_file: text(),
  key_file: text(),
  client_ca_file: text(),
  client_auth_type: z.enum(clientAuthTypes).default("NoClientCert"),
  client_allowed_sans: z.array(z.string().min(1)).min(1).optional(),
  min_version: version().prefault("TLS12"),
  max_version: version().prefault("TLS13"),
  cipher_suites: z.array(named(ciphers, "a cipher suite of Go's crypto/tls")).default([]),
  prefer_server_cipher_suites: z.boolean().default(true),
  curve_preferences: z.array(named(curves, "CurveP256, CurveP384, CurveP521 or X25519")).default([]),
});

/**
 * Each broken rule between keys of `tls_server_config`, at the key that has to change. Apart from the schema, so that
 * they are reported together with everything else.
 */
function* tlsBreaches(tls: Section | undefined): Generator<readonly [key: string, message: string]> {
  if (tls === undefined) return;
  for (const [inline, file] of [
    ["cert", "cert_file"],
    ["key", "key_file"],
  ] as const) {
    if (tls[inline] === undefined && tls[file] === undefined) yield [file, "must be set"];
  }
  for (const inline of ["cert", "key", "client_ca"]) {
    if (tls[inline] !== undefined && tls[`${inline}_file`] !== undefined)
      yield [inline, `must not be set together with ${inline}_file`];
  }
  const asked = tls["client_auth_type"];
  if (asked === "NoClientCert" && (tls["client_ca"] ?? tls["client_ca_file"]) !== undefined)
    yield ["client_auth_type", "must ask for a certificate when client_ca or client_ca_file is set"];
  const required = typeof asked === "string" && asked.startsWith("Require");
  if (tls["client_allowed_sans"] !== undefined && !required)
    yield ["client_allowed_sans", "must come with RequireAnyClientCert or RequireAndVerifyClientCert"];
  if (rankOf(tls["max_version"]) !== -1 && rankOf(tls["min_version"]) > rankOf(tls["max_version"]))
    yield ["min_version", "must not be above max_version"];
}

/** -1 for what is no version, which is reported already. */
const rankOf = (version: Plain | undefined): number =>
  Object.keys(versions).findIndex((name) => name === version);

/** A blank header is not sent. */
const header = () =>
  z
    .string()
    .regex(/^[\t\x20-\x7e]*$/, "must be printable ASCII on one line")
    .optional();

function oneOf(...values: readonly string[]) {
  return z
    .string()
    .refine((value) => ["", ...values].includes(value.toLowerCase()), `must be ${values.join(" or ")}`)
    .optional();
}

/** exporter-toolkit's five; it refuses any other. */
const headersSchema = z.strictObject({
  "Content-Security-Policy": header(),
  "X-Frame-Options": oneOf("deny", "sameorigin"),
  "X-Content-Type-Options": oneOf("nosniff"),
  "X-XSS-Protection": header(),
  "Strict-Transport-Security": header(),
});

/** One more of cost doubles the time; at 15 a single password takes seconds of this Mac's CPU. */
const bcryptHash = z
  .string()
  .regex(
    /^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/,
    "must be a bcrypt hash with a cost between 4 and 15, as htpasswd -nBC 10 USER prints it",
  )
  .meta({ writeOnly: true });

const webSchema = z.strictObject({
  tls_server_config: tlsSchema.optional(),
  http_server_config: z
    .strictObject({ http2: z.boolean().optional(), headers: headersSchema.default({}) })
    .prefault({}),
  basic_auth_users: z
    .record(z.string().regex(/^[^:\p{Cc}]+$/u, "must be a name without a colon"), bcryptHash)
    .default({}),
  rate_limit: z
    .strictObject({ interval: durationSetting().prefault("0s"), burst: z.int().min(0).default(0) })
    .refine(({ interval, burst }) => interval === 0 || burst > 0, "must have a burst of at least 1")
    .optional(),
});
