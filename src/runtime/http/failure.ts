/** Codes and reasons for what goes wrong on the network: Node's errors in, HttpFailure's codes and reasons out. */
import { release } from "node:os";
import { causeOf, codeOf } from "../cause.ts";
import type { HttpFailure } from "./client.ts";
import { isPrivateHost } from "./receiver-url.ts";

export interface Fault extends Pick<HttpFailure, "code" | "reason"> {
  /** The certificate's issuer is none that Node.js knows; the system may know it. */
  readonly unknownIssuer?: true;
}

/** Where a request was when it failed. */
interface Place {
  /** `host:port` of the receiver. */
  readonly target: string;
  /** `host:port` of the proxy that the connection goes to. */
  readonly proxy?: string | undefined;
  /** Whether the connection, with TLS where it has any, stood. */
  readonly connected: boolean;
}

/** What a tunnel fails with (proxy.ts); its message is a whole reason. */
export const tunnelFailed = "ERR_TUNNEL_FAILED";

const resetCodes = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE"]);
const untrusted = "the certificate's issuer is not trusted; set tls_config.ca_file";

const selfSigned = "the certificate is self-signed; set tls_config.ca_file";

/** What a user can do about a failed handshake, by OpenSSL's and Node's codes. */
const tlsAdvice: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the certificate has expired; renew it, or set this machine's clock",
  CERT_NOT_YET_VALID: "the certificate is not valid yet; set this machine's clock",
  CERT_REVOKED: "the certificate is revoked; renew it",
  CERT_UNTRUSTED: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name; set tls_config.server_name",
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak TLS here; check https:// and the port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the server does not speak TLS here; check https:// and the port",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the server's TLS is too old; set tls_config.min_version",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "no TLS version in common; set tls_config.min_version",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "a client certificate is required; set tls_config.cert_file",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: "the server refused the handshake; it may want tls_config.cert_file",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not trust the client certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the server refused the client certificate",
};

interface OperatingSystem {
  /** As `process.platform` and `os.release()`. */
  readonly platform: string;
  readonly release: string;
}

const thisSystem: OperatingSystem = { platform: process.platform, release: release() };

/** The network is the only thing to fail here, so any error is a failure of some kind. */
export function faultOf(thrown: unknown, place: Place, system = thisSystem): Fault {
  const error = firstOf(thrown);
  const code = codeOf(error) ?? "";
  if (code === tunnelFailed) return { code: "proxy", reason: causeOf(error) };
  if (isTls(code)) return tlsFault(error, code, place);
  // Of a proxy, which Node.js' own client asks for a tunnel.
  if (code.startsWith("HPE_"))
    return {
      code: "protocol",
      reason: `unexpected answer from ${place.target}: ${code === "HPE_INVALID_CONSTANT" ? "it is not HTTP/1.1" : reasonOf(error)}`,
    };
  return place.connected ? lostFault(error, code, place) : connectFault(error, code, place, system);
}

/** Happy eyeballs fails with one error for each address; a refusal says more than an attempt cut short. */
function firstOf(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  const errors: readonly unknown[] = error.errors;
  return errors.find((one) => codeOf(one) !== "ETIMEDOUT") ?? errors[0] ?? error;
}

function isTls(code: string): boolean {
  return (
    code in tlsAdvice ||
    /^(?:ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)/.test(code)
  );
}

function tlsFault(error: unknown, code: string, { target, proxy, connected }: Place): Fault {
  const verb = connected ? "keep up TLS with" : "agree on TLS with";
  const through = proxy === undefined ? target : `${target} through proxy ${proxy}`;
  const reason = (code === "EPROTO" ? opensslReason(error) : undefined) ?? reasonOf(error);
  const advice = tlsAdvice[code] ?? tlsAdvice[`ERR_SSL_${reason.toUpperCase().replaceAll(" ", "_")}`];
  return {
    code: "tls",
    reason: `cannot ${verb} ${through}: ${advice ?? reason}`,
    ...((advice === untrusted || advice === selfSigned) && { unknownIssuer: true as const }),
  };
}

/** OpenSSL's own line inside Node's: `…:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:…`. */
function opensslReason(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : "";
  return /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/.exec(message)?.[1];
}

function connectFault(
  error: unknown,
  code: string,
  { target, proxy }: Place,
  system: OperatingSystem,
): Fault {
  const peer = proxy === undefined ? target : `proxy ${proxy}`;
  const faultCode = proxy === undefined ? connectCode(error, code) : "proxy";
  if (connectCode(error, code) === "dns")
    return { code: faultCode, reason: `cannot resolve ${peer}: ${causeOf(error)}` };
  if (resetCodes.has(code))
    return { code: faultCode, reason: `cannot connect to ${peer}: connection closed before it stood` };
  const hint = code === "EHOSTUNREACH" && mayBeLocalNetworkPrivacy(error, proxy ?? target, system);
  return {
    code: faultCode,
    reason: `cannot connect to ${peer}: ${causeOf(error)}${hint ? localNetwork : ""}`,
  };
}

/** Apple's technical note TN3179 exempts what launchd starts as root; whether that holds after root is given up, reports differ. */
const localNetwork =
  "; macOS may keep the agent from the local network: allow it in System Settings > Privacy & Security > Local Network, or set run_as: root";

/** Since macOS 15, which is Darwin 24, a program that may not use the local network gets the error that there is no route. */
function mayBeLocalNetworkPrivacy(
  error: unknown,
  peer: string,
  { platform, release: version }: OperatingSystem,
): boolean {
  if (platform !== "darwin" || Number.parseInt(version, 10) < 24) return false;
  const address =
    error instanceof Error && "address" in error ? String(error.address) : peer.replace(/:\d+$/, "");
  return isPrivateHost(address);
}

function connectCode(error: unknown, code: string): Fault["code"] {
  if (
    code === "ENOTFOUND" ||
    code.startsWith("EAI_") ||
    (error instanceof Error && "syscall" in error && error.syscall === "getaddrinfo")
  )
    return "dns";
  if (code === "ETIMEDOUT") return "timeout";
  return resetCodes.has(code) ? "reset" : "connect";
}

function lostFault(error: unknown, code: string, { target }: Place): Fault {
  if (code === "ETIMEDOUT")
    return { code: "timeout", reason: `cannot reach ${target}: connection timed out` };
  if (resetCodes.has(code))
    return {
      code: "reset",
      reason: `cannot get an answer from ${target}: connection closed by the other side`,
    };
  return { code: "reset", reason: `cannot get an answer from ${target}: ${causeOf(error)}` };
}

/** OpenSSL's and llhttp's errors carry a short reason beside a long message. */
function reasonOf(error: unknown): string {
  const short =
    error instanceof Error && "reason" in error && typeof error.reason === "string"
      ? error.reason
      : causeOf(error);
  return short.replace(/\.$/, "").toLowerCase();
}
