/**
 * Remembers, across restarts, in which protocols a receiver has taken samples of this block. Without that a refusal may as
 * well be about the address, the form or the credentials, so it costs no samples.
 */
import type { Cursor } from "../journal/types.ts";
import type { Sink } from "../sink/sink.ts";

export interface Acceptance {
  /** Whether it has taken samples in any protocol that is configured. */
  readonly proven: boolean;
  accepted(protocol: string): void;
  /** The protocol to go on in after a refusal: the last one in which samples were taken, or else the preferred one. */
  readonly best: string;
}

export function createAcceptance({ target, protocols }: Sink, cursor: Cursor): Acceptance {
  const keys = new Map(protocols.map((protocol) => [`${target} ${protocol}`, protocol]));
  const known = (): readonly string[] => cursor.accepted().flatMap((key) => keys.get(key) ?? []);
  return {
    get proven() {
      return known().length > 0;
    },
    accepted: (protocol) => cursor.accept(`${target} ${protocol}`),
    get best() {
      return known().at(-1) ?? protocols[0];
    },
  };
}
