/** The HTTP part of a sink's configuration: its types, by the names of Prometheus' `http_config`, and their validation with zod. */
import * as z from "zod";
import type { Frozen } from "../setting.ts";
import { createKnownSecrets, knownSecrets } from "../redact.ts";
import { literalSecret, type Secret } from "../secret.ts";
import { http } from "./modules.ts";
import { urlFault } from "./receiver-url.ts";

const tlsVersions = ["TLS10", "TLS11", "TLS12", "TLS13"] as const;

/** Headers that belong to the protocols themselves; Prometheus reserves the same. */
const reservedHeaders = new Set([
  ...[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "accept-encoding",
    "user-agent",
    "expect",
  ],
  ...["connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"],
  ...["proxy-connection", "proxy-authenticate", "proxy-authorization", "www-authenticate"],
  "x-prometheus-remote-write-version",
]);

const path = () => z.string().min(1, "must name a file, got an empty text");
const secret = () =>
  z
    .string()
    .min(1, "must hold a secret, got an empty text")
    .transform((text) => literalSecret(text))
    .meta({ writeOnly: true });

/** Headers without credentials stay readable in the log, since masking `eu` or `team-a` everywhere would hide it. */
const credentialHeader = /auth|token|key|secret|cookie|password|signature/i;

const headers = () =>
  z
    .record(z.string(), z.string("must be text: put the value in quotes").meta({ writeOnly: true }))
    .superRefine(checkHeaders)
    .transform((values) => mapEntries(values, headerSecret))
    .describe("Headers sent with each request; values are never printed.");

const basicAuth = () =>
  z
    .strictObject({
      username: z
        .string()
        .regex(/^[^:]*$/, "must not contain a colon")
        .describe("User name."),
      password: secret().exactOptional().describe("Password; better kept in password_file."),
      password_file: path()
        .exactOptional()
        .describe("File that holds the password, read again when it changes."),
    })
    .refine(
      (auth) => exactlyOne(auth.password, auth.password_file),
      "must have exactly one of password and password_file",
    )
    .describe("HTTP basic authentication.");

const authorization = () =>
  z
    .strictObject({
      type: z
        .string()
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "must be one word, such as Bearer")
        .refine((type) => type.toLowerCase() !== "basic", "must not be Basic: use basic_auth")
        .default("Bearer")
        .describe("Authentication scheme."),
      credentials: secret().exactOptional().describe("Credentials; better kept in credentials_file."),
      credentials_file: path()
        .exactOptional()
        .describe("File that holds the credentials, read again when it changes."),
    })
    .refine(
      (auth) => exactlyOne(auth.credentials, auth.credentials_file),
      "must have exactly one of credentials and credentials_file",
    )
    .describe("Authorization header with a scheme of your choice.");

const tlsConfig = () =>
  z
    .strictObject({
      ca_file: path()
        .exactOptional()
        .describe("Certificate authorities to trust instead of the system's, as PEM."),
      cert_file: path().exactOptional().describe("Client certificate, as PEM."),
      key_file: path().exactOptional().describe("Private key of the client certificate, as PEM."),
      server_name: z
        .string()
        .min(1)
        .exactOptional()
        .describe("Name that the server's certificate must carry."),
      insecure_skip_verify: z.boolean().exactOptional().describe("Accept any server certificate."),
      min_version: z
        .enum(tlsVersions)
        .exactOptional()
        .describe("Oldest TLS version to accept; TLS12 by default."),
    })
    .refine(
      (tls) => (tls.cert_file === undefined) === (tls.key_file === undefined),
      "must have both cert_file and key_file, or neither",
    )
    .describe("TLS of the connection to the receiver.");

/** Where to send to. */
export const receiverUrl = () =>
  z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).superRefine(checkUrl);

function checkUrl(text: string, context: z.RefinementCtx): void {
  const message = urlFault(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
}

const oauth2 = () =>
  z
    .strictObject({
      client_id: z.string().min(1).describe("Name of the client at the token's issuer."),
      client_secret: secret()
        .exactOptional()
        .describe("The client's secret; better kept in client_secret_file."),
      client_secret_file: path()
        .exactOptional()
        .describe("File that holds the client's secret, read again when it changes."),
      token_url: z
        .url({ protocol: /^https?$/, error: "must be an http or https URL" })
        .describe("Where tokens are issued."),
      scopes: z.array(z.string().min(1)).default([]).describe("Scopes to ask for."),
      endpoint_params: z
        .record(z.string().min(1), z.string().meta({ writeOnly: true }))
        .default({})
        .describe("Further parameters of the request for a token; values are never printed."),
      tls_config: tlsConfig().exactOptional(),
    })
    .refine(
      (auth) => exactlyOne(auth.client_secret, auth.client_secret_file),
      "must have exactly one of client_secret and client_secret_file",
    )
    .describe("OAuth 2.0 with client credentials: a token is fetched, kept until it expires, and renewed.");

const proxyUrl = () =>
  z
    .string()
    .refine(isProxyUrl, { error: "must be an http:// or https:// URL", abort: true })
    .superRefine(checkUrl)
    .describe("Proxy to send through, http:// or https://, with user:password@ where it asks for them.");

/** To spread into the object of each sink. Add `.superRefine(checkHttp)` there. */
export const httpFields = () => ({
  headers: headers().exactOptional(),
  basic_auth: basicAuth().exactOptional(),
  authorization: authorization().exactOptional(),
  oauth2: oauth2().exactOptional(),
  tls_config: tlsConfig().exactOptional(),
  proxy_url: proxyUrl().exactOptional(),
  no_proxy: z
    .string()
    .exactOptional()
    .describe("Comma-separated hosts, domains, addresses and CIDR ranges that proxy_url is not used for."),
  proxy_from_environment: z
    .boolean()
    .exactOptional()
    .describe("Honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY; true by default."),
});

/** What Prometheus' `http_config` has besides, as dotted paths. */
export const unsupportedHttpKeys: readonly string[] = [
  "bearer_token",
  "bearer_token_file",
  "http_headers",
  "proxy_connect_header",
  "tls_config.ca",
  "tls_config.ca_ref",
  "tls_config.cert",
  "tls_config.cert_ref",
  "tls_config.key",
  "tls_config.key_ref",
  "tls_config.max_version",
];

/** Authentication, TLS, proxy and headers, the same for every sink. Paths are absolute or relative to the working folder. */
export type HttpSettings = Frozen<z.output<z.ZodObject<ReturnType<typeof httpFields>>>>;
export type TlsSettings = NonNullable<HttpSettings["tls_config"]>;
export type OauthSettings = NonNullable<HttpSettings["oauth2"]>;

/** The rules that span several of the fields. */
export function checkHttp(settings: HttpSettings, context: z.RefinementCtx): void {
  const { basic_auth, authorization: other, oauth2: tokens } = settings;
  const ways = [basic_auth, other, tokens, authorizationHeader(settings)];
  if (ways.filter((way) => way !== undefined).length <= 1) return;
  context.addIssue({
    code: "custom",
    path: [tokens !== undefined ? "oauth2" : other !== undefined ? "authorization" : "basic_auth"],
    message:
      "must be the only way to authenticate, got several of basic_auth, authorization, oauth2 and an Authorization header",
  });
}

function checkHeaders(values: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  for (const [name, value] of Object.entries(values)) {
    const message = headerFault(name, value);
    if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
  }
}

function headerFault(name: string, value: string): string | undefined {
  if (!accepts(() => http().validateHeaderName(name))) return "must be a valid header name";
  if (reservedHeaders.has(name.toLowerCase())) return "must not be set: the agent sets this header";
  return accepts(() => http().validateHeaderValue(name, value)) ? undefined : "must be a valid header value";
}

function headerSecret(name: string, value: string): Secret {
  return literalSecret(value, credentialHeader.test(name) ? knownSecrets : createKnownSecrets());
}

function mapEntries<In, Out>(
  record: Readonly<Record<string, In>>,
  map: (key: string, value: In) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(key, value)]));
}

function authorizationHeader({ headers }: HttpSettings): string | undefined {
  return Object.keys(headers ?? {}).find((name) => name.toLowerCase() === "authorization");
}

function exactlyOne(a: unknown, b: unknown): boolean {
  return (a === undefined) !== (b === undefined);
}

function isProxyUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:");
}

function accepts(validate: () => void): boolean {
  try {
    validate();
    return true;
  } catch {
    return false;
  }
}
