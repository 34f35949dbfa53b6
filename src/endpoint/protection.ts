/** Owns the question who may ask: what stands between a request and its route. */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Protection {
  /** Response headers that the user configured, over the endpoint's own. */
  headers(): readonly (readonly [name: string, value: string])[];
  /** Calls `serve` at once or later, or answers in its place. */
  admit(
    request: IncomingMessage,
    response: ServerResponse,
    serve: () => Promise<void> | undefined,
  ): Promise<void> | undefined;
}

/** Without a web configuration everybody who gets as far as this may ask. */
export const openProtection: Protection = {
  headers: () => [],
  admit: (_request, _response, serve) => serve(),
};
