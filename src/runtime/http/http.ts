/** An HTTP exchange as the sinks see it: a reply or a failure, both values, never a throw. */

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  /** Lower-case names. They win over the client's configured headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Limit for the whole exchange, connect to last byte, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Set where the body is what is asked for: one that ends too soon is a failure, however often it does. */
  readonly needsBody?: boolean;
}

export interface HttpResponse {
  readonly kind: "response";
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** At most the client's cap; `truncated` says that there was more, or that the connection ended or hung before the end. */
  readonly body: Buffer;
  readonly truncated: boolean;
  readonly durationMs: number;
  /** Wall-clock milliseconds when the headers arrived, for the comparison with `Date`. */
  readonly receivedAt: number;
}

export interface HttpFailure {
  readonly kind: "failure";
  /** Where it ended; becomes the `code` label of mac_agent_sink_requests_total. */
  readonly code:
    "dns" | "connect" | "tls" | "timeout" | "reset" | "proxy" | "credentials" | "aborted" | "protocol";
  /** One line in the house grammar: `cannot connect to host:443: connection refused`. Never a secret. */
  readonly reason: string;
  readonly durationMs: number;
}

export type HttpReply = HttpResponse | HttpFailure;

/** One per sink. Redirects are returned as they are, never followed. */
export interface HttpClient extends AsyncDisposable {
  send(request: HttpRequest): Promise<HttpReply>;
  /** Drops idle connections so that the next request opens a new one: after wake an old socket may hang. */
  renew(): void;
}
