/**
 * The steps of an installation: each knows whether it is done, so that installing again, after a crash or over an older
 * version, does exactly what is missing.
 *
 *     install:   step 1 ─► step 2 ─► …      each: done already? else do
 *     uninstall: … ─► step 2 ─► step 1      each: undo, or say what stays
 */
import { causeOf } from "../runtime/cause.ts";

/** Why something could not be done, in the grammar of errors; undefined when it was. */
export type Failure = string | undefined;

/** Done as far as the system allows: what is missing, and what the user can do about it. */
export interface Warning {
  readonly warning: string;
}

export type Result = Failure | Warning;

export interface Step {
  /** What `do` does: "create folder /x, root, 0755". */
  readonly describe: string;
  /** Looks and changes nothing. */
  isDone(): boolean | Promise<boolean>;
  /** May be called when half of it was done before. May throw system errors. */
  do(): Result | Promise<Result>;
  /** Absent where there is nothing to take back. */
  readonly undo?: Undo;
}

export interface Undo {
  readonly describe: string;
  /** What a user may want to keep is undone by `--purge` only. */
  readonly purgeOnly?: boolean;
  /** Whether there is something to undo. */
  isDue(): boolean | Promise<boolean>;
  do(): Result | Promise<Result>;
}

export interface StepReport {
  readonly describe: string;
  readonly status: "done" | "already" | "would" | "kept" | "failed";
  readonly failure?: string;
  /** Of a step that was done but for a detail. */
  readonly warning?: string;
}

export interface StepOptions {
  /** Only says what would be done. */
  readonly dryRun: boolean;
  readonly report: (report: StepReport) => void;
}

/** Stops at the first failure and returns it. */
export async function runSteps(steps: readonly Step[], { dryRun, report }: StepOptions): Promise<Failure> {
  for (const step of steps) {
    const { describe } = step;
    if (await step.isDone()) {
      report({ describe, status: "already" });
    } else if (dryRun) {
      report({ describe, status: "would" });
    } else {
      const result = await attempt(describe, () => step.do());
      report(reportOf(describe, result));
      if (typeof result === "string") return result;
    }
  }
  return undefined;
}

/** Goes on after a failure, as what is left over is worse than what could not be removed; returns the first one. */
export async function undoSteps(
  steps: readonly Step[],
  { dryRun, report, purge }: StepOptions & { readonly purge: boolean },
): Promise<Failure> {
  let first: Failure;
  for (const { undo } of steps.toReversed()) {
    if (undo === undefined || !(await undo.isDue())) continue;
    const { describe } = undo;
    if (undo.purgeOnly === true && !purge) {
      report({ describe, status: "kept" });
    } else if (dryRun) {
      report({ describe, status: "would" });
    } else {
      const result = await attempt(describe, () => undo.do());
      report(reportOf(describe, result));
      if (typeof result === "string") first ??= result;
    }
  }
  return first;
}

function reportOf(describe: string, result: Result): StepReport {
  if (result === undefined) return { describe, status: "done" };
  if (typeof result === "string") return { describe, status: "failed", failure: result };
  return { describe, status: "done", warning: result.warning };
}

async function attempt(what: string, act: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return `cannot ${what}: ${causeOf(error)}`;
  }
}
