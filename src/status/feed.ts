/**
 * The stream of events: one text for all who watch, made only while somebody does.
 *
 *     changed ─► 100 ms for what comes together ─► render once ─► every watcher
 *                         5 s of silence ───────────┘
 */
import type { Clock, Timer } from "../runtime/clock.ts";

export interface Feed {
  /** Something is new. Costs nothing while nobody watches. */
  changed(): void;
  /** Sends the present state at once and every further one; undefined when too many watch already. */
  watch(send: (text: string) => void): Disposable | undefined;
  readonly watchers: number;
}

/** Samples of several sources that fall together make one event. */
const togetherMs = 100;
/** Ages and countdowns move, and proxies see life, while no source reports. */
const silenceMs = 5000;
/** Of the endpoint's 64 connections. */
const mostWatchers = 16;

/** @param render the present state as one line of JSON */
export function createFeed(clock: Clock, render: () => string): Feed {
  const watchers = new Set<(text: string) => void>();
  let timer: Timer | undefined;
  let soon = false;

  function schedule(ms: number): void {
    timer?.[Symbol.dispose]();
    timer = watchers.size === 0 ? undefined : clock.after(ms, tell, { background: true });
  }

  function tell(): void {
    soon = false;
    const text = eventText(render());
    for (const send of watchers) send(text);
    schedule(silenceMs);
  }

  return {
    get watchers() {
      return watchers.size;
    },
    changed() {
      if (watchers.size === 0 || soon) return;
      soon = true;
      schedule(togetherMs);
    },
    watch(send) {
      if (watchers.size >= mostWatchers) return undefined;
      // Each has an identity of its own, whatever function was given.
      const watcher = (text: string): void => send(text);
      watchers.add(watcher);
      watcher(eventText(render()));
      if (watchers.size === 1) schedule(silenceMs);
      return {
        [Symbol.dispose]() {
          watchers.delete(watcher);
          if (watchers.size > 0) return;
          soon = false;
          schedule(0);
        },
      };
    },
  };
}

/** JSON has no line feed of its own, so the whole is one `data` line (HTML standard, section 9.2). */
const eventText = (json: string): string => `event: status\ndata: ${json}\n\n`;
