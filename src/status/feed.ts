/**
 * The stream of events: one text for all watchers, rendered only while there are any.
 *
 *     changed ─► 100 ms for what comes together ─► render once ─► every watcher
 *                         5 s of silence ───────────┘
 */
import type { Clock, Timer } from "../runtime/clock.ts";

export interface Feed {
  /** The status has changed. Costs nothing without watchers. */
  changed(): void;
  /** Sends the present state at once and every further one; undefined when there are too many watchers already. */
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
    timer = watchers.size === 0 ? undefined : clock.after(ms, send, { background: true });
  }

  function send(): void {
    soon = false;
    const text = eventText(render());
    for (const watcher of watchers) watcher(text);
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
    watch(listener) {
      if (watchers.size >= mostWatchers) return undefined;
      // Each has an identity of its own, whatever function was given.
      const watcher = (text: string): void => listener(text);
      watcher(eventText(render()));
      watchers.add(watcher);
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
