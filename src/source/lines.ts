/** Messages of tools: bytes cut into lines of bounded length, logged at a bounded rate, those of known kinds once. */
import { StringDecoder } from "node:string_decoder";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { printable } from "../runtime/printable.ts";

interface LineSplitter {
  push(chunk: Buffer): void;
  /** Passes on a last line that has no newline. */
  end(): void;
}

/** Calls back with each line that is not blank, trimmed, control characters escaped, cut at `maxLength` characters. */
export function splitLines(onLine: (line: string) => void, maxLength = 300): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let pending = "";

  function emit(): void {
    const line = printable(pending.trim());
    pending = "";
    if (line !== "") onLine(line.length > maxLength ? `${line.slice(0, maxLength)}…` : line);
  }
  return {
    push(chunk) {
      const text = decoder.write(chunk);
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        keep(text.slice(from, at));
        emit();
        from = at + 1;
      }
      keep(text.slice(from));
    },
    end() {
      keep(decoder.end());
      emit();
    },
  };

  /** One character more than fits, so that the cut shows. */
  function keep(text: string): void {
    pending += text.slice(0, Math.max(0, maxLength + 1 - pending.length));
  }
}

interface LineLog {
  line(text: string): void;
  /** Says what was held back since the last line. */
  flush(): void;
}

const minuteMs = 60_000;

/** Logs at most `perMinute` lines a minute as warnings and says how many it held back. */
export function logLines(log: Logger, clock: Clock, message: string, perMinute = 10): LineLog {
  let windowStart = -Infinity;
  let logged = 0;
  let heldBack = 0;

  function flush(): void {
    if (heldBack > 0) log.warn(`${message}: lines held back`, { lines: heldBack });
    heldBack = 0;
  }
  return {
    line(text) {
      const now = clock.monotonic();
      if (now - windowStart >= minuteMs) {
        flush();
        windowStart = now;
        logged = 0;
      }
      if (logged < perMinute) log.warn(message, { line: text });
      else heldBack += 1;
      logged += 1;
    },
    flush,
  };
}

/** Lines that powermetrics prints beside its documents, up to once a sample, by the value of the counter's label. */
const known: readonly (readonly [kind: string, line: RegExp])[] = [
  // With the tasks sampler; the spelling is Apple's.
  ["second_underflow", /^second underflow occur/i],
  ["no_process_path", /^proc_pidpath \d{1,10} failed/],
  ["invalid_smc_key", /^invalid key detected/i],
  // In a virtual machine.
  ["no_registry_entry", /^ERROR: cannot find the IO registry entry for /],
];

export interface Remarks {
  /** Whether the line is of a known kind: it is counted and, the first time, logged. */
  take(line: string): boolean;
}

/** @param counted is called with the kind of each */
export function createRemarks(log: Pick<Logger, "warn">, counted: (kind: string) => void): Remarks {
  const logged = new Set<string>();
  return {
    take(line) {
      const [kind] = known.find(([, pattern]) => pattern.test(line)) ?? [];
      if (kind === undefined) return false;
      counted(kind);
      if (!logged.has(kind))
        log.warn("powermetrics said; further lines of this kind are only counted", { line, kind });
      logged.add(kind);
      return true;
    },
  };
}
