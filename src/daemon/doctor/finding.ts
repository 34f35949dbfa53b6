/** A finding of `doctor`: one line each, with the way to fix it. */

export interface Finding {
  /** What was looked at: `powermetrics`, `launchd job`. */
  readonly check: string;
  readonly status: "ok" | "warning" | "failure";
  readonly message: string;
  /** What to do; absent when all is well. */
  readonly fix?: string;
}

export const well = (check: string, message: string): Finding => ({ check, status: "ok", message });

export const doubtful = (check: string, message: string, fix: string): Finding => ({
  check,
  status: "warning",
  message,
  fix,
});

export const broken = (check: string, message: string, fix: string): Finding => ({
  check,
  status: "failure",
  message,
  fix,
});

export function formatFinding({ check, status, message, fix }: Finding): string {
  const mark = { ok: "ok     ", warning: "WARNING", failure: "FAILURE" }[status];
  return `${mark} ${check}: ${message}${fix === undefined ? "" : `; ${fix}`}\n`;
}
