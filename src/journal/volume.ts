/**
 * Owns the journal's connection to its disk, and what is done when it fails.
 *
 *     open ──full──► open, not writable ──retry: same connection──► open
 *       │                                                             ▲
 *       ├──unavailable──► open for reading, or away ──retry: open anew┤
 *       └──damaged──► renamed aside ──────────────────────open a new one
 */
import { existsSync } from "node:fs";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { setAside, type AsideKind } from "./damage.ts";
import { openDatabase, pageBytes } from "./database.ts";
import { damage, faultOf, type Fault } from "./fault.ts";
import { segmentLimits } from "./segments.ts";
import { openStore, type Store } from "./store.ts";
import type { JournalOptions } from "./types.ts";

export interface Volume {
  /** For reading; absent while nothing can be opened. */
  readonly store: Store | undefined;
  /** Why nothing can be written now. */
  readonly trouble: string | undefined;
  /** How many databases were, and when the last one was; milliseconds since the Unix epoch. */
  readonly setAside: { readonly count: number; readonly lastMs?: number };
  /** Opens, or opens anew after trouble. */
  recover(): void;
  /** Runs `work` on the store; absent when the disk refused, which is taken note of. */
  write<T>(work: (store: Store) => T): T | undefined;
  read<T>(work: (store: Store) => T): T | undefined;
  /** Writes nothing until the next `recover`. */
  withhold(reason: string): void;
  close(): void;
}

interface VolumeEvents {
  /** A database was opened. Says what is wrong with its content, if it can't go on from here. */
  opened(store: Store): string | undefined;
  /** The database is about to be closed, to be opened anew or to be replaced. */
  closing(store: Store, then: "reopen" | "replace"): void;
}

type VolumeOptions = Pick<JournalOptions, "path" | "maxBytes" | "disk" | "metricOf"> & {
  clock: Clock;
  log: Logger;
};

export function volume(options: VolumeOptions, events: VolumeEvents): Volume {
  const { path, clock, log } = options;
  let store: Store | undefined;
  let fault: Fault | undefined;
  let asides: Volume["setAside"] = { count: 0 };

  function note(next: Fault | undefined): void {
    if (next !== undefined && fault?.reason !== next.reason)
      log.error(`cannot write journal ${path}: ${next.reason}`, {
        consequence: "snapshots are kept in memory",
      });
    if (next === undefined && fault !== undefined) log.info("journal is written again", { path });
    fault = next;
  }

  function fail(error: unknown): void {
    const found = faultOf(error);
    if (found.kind === "damaged") replace("damaged", found.reason);
    else note(found);
  }

  function close(then: "reopen" | "replace"): void {
    const old = store;
    store = undefined;
    if (old === undefined) return;
    events.closing(old, then);
    try {
      old[Symbol.dispose]();
    } catch (error) {
      log.debug(`cannot close journal ${path}: ${faultOf(error).reason}`);
    }
  }

  function replace(kind: AsideKind, reason: string): void {
    close("replace");
    try {
      const lastMs = clock.now();
      const aside = setAside(path, kind, lastMs);
      asides = { count: asides.count + 1, lastMs };
      log.error(`cannot use journal ${path}: ${reason}`, { renamed_to: aside });
      note(undefined);
    } catch (error) {
      note({ kind: "unavailable", reason: `${reason}, and it cannot be renamed: ${faultOf(error).reason}` });
      return;
    }
    open(false);
  }

  /** Replaced at most once in a row, so that a disk which damages whatever it is given does not fill up. */
  function open(mayReplace: boolean): void {
    const opened = openDatabase(path, logPages(options.maxBytes));
    if (opened.status === "unavailable" || (opened.status === "unusable" && !mayReplace)) {
      note({ kind: "unavailable", reason: opened.reason });
      return;
    }
    if (opened.status === "unusable") {
      replace(opened.kind, opened.reason);
      return;
    }
    try {
      store = openStore(opened.database, opened.lock, segmentLimits(options.maxBytes), options.metricOf);
      const objection = events.opened(store);
      if (objection !== undefined) throw damage(objection);
      note(undefined);
    } catch (error) {
      if (store === undefined) for (const one of [opened.database, opened.lock]) one.close();
      const { kind, reason } = faultOf(error);
      if (kind === "damaged" && mayReplace) replace("damaged", reason);
      else note({ kind: "unavailable", reason });
    }
  }

  return {
    get store() {
      return store;
    },
    get trouble() {
      return fault?.reason;
    },
    get setAside() {
      return asides;
    },
    recover() {
      if (fault?.kind === "full" && store !== undefined) {
        note(undefined);
        return;
      }
      close("reopen");
      open(true);
    },
    write(work) {
      if (store === undefined || fault !== undefined) return undefined;
      try {
        options.disk?.beforeWrite?.();
        if (!existsSync(path))
          throw Object.assign(new Error("no such file or directory"), { code: "ENOENT" });
        return work(store);
      } catch (error) {
        fail(error);
        return undefined;
      }
    },
    read(work) {
      if (store === undefined) return undefined;
      try {
        return work(store);
      } catch (error) {
        fail(error);
        return undefined;
      }
    },
    withhold(reason) {
      note({ kind: "full", reason });
    },
    close: () => close("reopen"),
  };
}

/** A mebibyte of log at most, and little of a small journal. */
function logPages(maxBytes: number): number {
  return Math.min(Math.max(Math.floor(maxBytes / 32 / pageBytes), 16), 256);
}
