/** The receiver of a fleet: one that runs somewhere, or a program of this machine, started fresh. */
import { setTimeout as wait } from "node:timers/promises";
import { startProcess, type Started } from "../bench/process.ts";
import { findReceiver } from "../support/receivers.ts";
import { freePort } from "../support/free-port.ts";
import { programs, type Program } from "./programs.ts";
import { vitalsIn, type Vitals } from "./vitals.ts";
import { disposableFolder } from "../support/folder.ts";

export interface FleetReceiver extends AsyncDisposable {
  /** Where remote write goes. */
  readonly url: string;
  /** Whether nobody else sends to it, so that it must hold exactly what we sent. */
  readonly isOurs: boolean;
  /** What it tells of itself now; empty when it does not. */
  vitals(): Promise<Vitals>;
}

/** @param wanted the URL of a remote write receiver, or the name of a program: victoria-metrics, prometheus */
export function openReceiver(wanted: string): Promise<FleetReceiver> {
  const program = programs[wanted];
  return program === undefined ? Promise.resolve(elsewhere(wanted)) : startProgram(wanted, program);
}

async function startProgram(name: string, program: Program): Promise<FleetReceiver> {
  const path = findReceiver(name);
  if (path === undefined) throw new Error(`cannot start ${name}: it is neither on PATH nor in RECEIVERS_DIR`);
  await using starting = new AsyncDisposableStack();
  const { path: folder } = starting.use(disposableFolder());
  const address = `127.0.0.1:${await freePort()}`;
  const started = starting.use(startProcess(path, program.flags(address, folder)));
  const origin = `http://${address}`;
  await untilReady(name, origin, started);
  const running = starting.move();
  return {
    url: origin + program.path,
    isOurs: true,
    vitals: () => vitalsAt(origin),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function elsewhere(url: string): FleetReceiver {
  return {
    url,
    isOurs: false,
    vitals: () => vitalsAt(new URL(url).origin),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function vitalsAt(origin: string): Promise<Vitals> {
  try {
    const answer = await fetch(`${origin}/metrics`, { signal: AbortSignal.timeout(10_000) });
    return answer.ok ? vitalsIn(await answer.text()) : {};
  } catch {
    return {};
  }
}

async function untilReady(name: string, origin: string, { complaint, child }: Started): Promise<void> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    const answer = await fetch(`${origin}/health`).catch(() => undefined);
    const other = answer?.ok === true ? answer : await fetch(`${origin}/-/ready`).catch(() => undefined);
    if (other?.ok === true) return;
    await wait(50);
  }
  throw new Error(
    `cannot start ${name}: not ready at ${origin}${complaint() === "" ? "" : `; ${complaint()}`}`,
  );
}
