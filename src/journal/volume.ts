/**
 * The journal's connection to its disk, and what is done when it fails.
 *
 *     open ──full──► open, not writable ──retry: same connection──► open
 *       │                                                             ▲
 *       ├──unavailable──► open for reading, or away ──retry: open anew┤
 *       └──damaged──► renamed aside ──────────────────────open a new one
 */
import { renameSync } from "node:fs";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { removeFile, setAside, type AsideKind } from "./damage.ts";
import { isInUse, openDatabase, pageBytes } from "./database.ts";
import { damage, faultOf, type Fault } from "./fault.ts";
import { watchFiles, type FileChange, type FileWatch } from "./files.ts";
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
  let files: FileWatch | undefined;
  /** Since the last write that worked. */
  let contradicted = false;
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
    if (found.kind === "damaged" || (found.kind === "contradicted" && contradicted))
      replace("damaged", found.reason);
    else if (found.kind === "contradicted") reconcile(found.reason);
    else note(found);
  }

  /** Another writer's rows look like damage, and its database must not be renamed; they are damage where nobody else writes. */
  function reconcile(reason: string): void {
    contradicted = true;
    close("reopen");
    if (isInUse(path)) note({ kind: "unavailable", reason: `another process has it open (${reason})` });
    else open(true);
  }

  /** Goes on with all that is still open here, in new files at the path; else with what is left there. */
  function restore({ reason, replaced }: FileChange): void {
    const copy = `${path}.copy`;
    const saved = copyTo(copy);
    asides = { count: asides.count + 1, lastMs: clock.now() };
    try {
      const aside =
        replaced || saved ? setAside(path, replaced ? "foreign" : "damaged", clock.now()) : undefined;
      log.error(`files of journal ${path} changed while in use: ${reason}`, {
        restored: saved,
        ...(replaced && aside !== undefined && { renamed_to: aside }),
      });
      close(replaced && !saved ? "replace" : "reopen");
      if (saved) renameSync(copy, path);
      if (!replaced && aside !== undefined) for (const end of ["", "-wal", "-shm"]) removeFile(aside + end);
    } catch (error) {
      close("reopen");
      note({ kind: "unavailable", reason: `${reason}: ${faultOf(error).reason}` });
      return;
    }
    open(true);
  }

  /** An open database can still be read when its files are gone from their path. */
  function copyTo(copy: string): boolean {
    try {
      removeFile(copy);
      store?.database.prepare("VACUUM INTO ?").run(copy);
      return true;
    } catch (error) {
      log.warn(`cannot copy what journal ${path} held: ${faultOf(error).reason}`);
      removeFile(copy);
      return false;
    }
  }

  /** Before each write: files or lock may have changed under us. */
  function attend(): void {
    const change = files?.change();
    if (change !== undefined) restore(change);
    else if (files?.lockIsOurs() === false) {
      log.error(`the lock of journal ${path} is gone: taking it again`);
      close("reopen");
      open(true);
    }
  }

  function close(then: "reopen" | "replace"): void {
    const old = store;
    store = undefined;
    files = undefined;
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
      files = watchFiles(path);
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

  const trouble = (): string | undefined => fault?.reason;
  const writable = (): Store | undefined => (fault === undefined ? store : undefined);

  return {
    get store() {
      return store;
    },
    get trouble() {
      return trouble();
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
        attend();
        const current = writable();
        if (current === undefined) return undefined;
        const result = work(current);
        files?.written();
        contradicted = false;
        return result;
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
