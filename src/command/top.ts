/** `top`: the status of an agent, live in a terminal, or as one frame where there is none. */
import { refusesColor } from "../runtime/logger.ts";
import type { Status } from "../status/status.ts";
import { prepare, type RunChoice } from "./load.ts";
import { preflight } from "./preflight.ts";
import { frameLines, type Frame } from "./top/frame.ts";
import { lineText, type Palette } from "./top/line.ts";
import { ownSources, runningAgent, type Origin } from "./top/origin.ts";
import { isInteractive, openTerminal, plainColumns } from "./top/terminal.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface TopChoice extends RunChoice {
  /** Of a running agent. Without it the usual address is tried, and then sources of our own. */
  readonly url?: string;
}

const usualAddress = "http://127.0.0.1:9127";
const refreshMs = 1000;
/** For the first sample of our own sources. */
const longestWaitMs = 15_000;
const mostPast = 500;
/** In raw mode ^C and ^D come as characters. */
const quitKeys: ReadonlySet<string> = new Set(["q", "Q", "\u001b", "\u0003", "\u0004"]);

/** 0 after `q` or a signal; 69 where the named agent does not answer; with own sources the codes of `run`. */
export async function top(choice: TopChoice, context: CommandContext): Promise<ExitCode> {
  const chosen = await chooseOrigin(choice, context);
  if (typeof chosen === "number") return chosen;
  await using origin = chosen;
  return isInteractive(context.env) ? await live(origin, context) : await plain(origin, context);
}

async function chooseOrigin(choice: TopChoice, context: CommandContext): Promise<Origin | ExitCode> {
  if (choice.simulate !== undefined) return await openOwn(choice, context);
  const base = URL.parse(choice.url ?? usualAddress);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    context.stderr(`--url must begin with http:// or https://, got ${JSON.stringify(choice.url)}\n`);
    return exitCode.usage;
  }
  const agent = runningAgent(base, context);
  const answer = await agent.ask();
  if (typeof answer !== "string") return agent;
  await agent[Symbol.asyncDispose]();
  if (choice.url === undefined) return await openOwn(choice, context);
  context.stderr(`cannot show the agent: ${answer}\n`);
  return exitCode.noPowermetrics;
}

async function openOwn(choice: TopChoice, context: CommandContext): Promise<Origin | ExitCode> {
  const prepared = await prepare(choice, context);
  if (typeof prepared === "number") return prepared;
  const obstacle = await preflight(prepared, context);
  if (obstacle === undefined) return ownSources(prepared.configuration, context, prepared.simulated);
  context.stderr(`no agent answers at ${usualAddress}, and ${obstacle.message}\n`);
  return obstacle.code;
}

/** Asks once a second and draws; a resize or the loss of the agent is drawn at once. */
async function live(origin: Origin, context: CommandContext): Promise<ExitCode> {
  const quit = new AbortController();
  const ended = AbortSignal.any([quit.signal, context.signal]);
  const palette: Palette = refusesColor(context.env) ? "mono" : "colour";
  const past = createPast();
  let frame: Frame | undefined;
  let lost: string | undefined;
  using terminal = openTerminal({
    key(text) {
      if (quitKeys.has(text)) quit.abort();
    },
    resized: () => draw(),
  });

  function draw(): void {
    if (frame === undefined || terminal.columns === 0) return;
    const shown = lost === undefined ? frame : { ...frame, origin: `LOST: ${lost}` };
    terminal.draw(frameLines(shown, terminal.columns, terminal.rows).map((line) => lineText(line, palette)));
  }

  while (!ended.aborted) {
    const answer = await origin.ask();
    if (typeof answer === "string") lost = answer;
    else {
      lost = undefined;
      frame = { status: answer, past: past.add(answer), origin: origin.name };
    }
    draw();
    await context.clock.sleep(refreshMs, ended);
  }
  return exitCode.ok;
}

/** One frame, once there is something to show. */
async function plain(origin: Origin, context: CommandContext): Promise<ExitCode> {
  const deadline = context.clock.monotonic() + longestWaitMs;
  let answer = await origin.ask();
  while (!isShowable(answer) && !context.signal.aborted && context.clock.monotonic() < deadline) {
    await context.clock.sleep(refreshMs / 4, context.signal);
    answer = await origin.ask();
  }
  if (typeof answer === "string") {
    context.stderr(`cannot show the agent: ${answer}\n`);
    return exitCode.failure;
  }
  const frame = { status: answer, past: createPast().add(answer), origin: origin.name };
  const lines = frameLines(frame, plainColumns(context.env)).slice(0, -1);
  await context.write(lines.map((line) => `${lineText(line, "none").trimEnd()}\n`).join(""));
  return exitCode.ok;
}

function isShowable(answer: Status | string): boolean {
  return typeof answer !== "string" && answer.sources.every(({ up }) => up !== undefined);
}

interface Past {
  /** The watts so far, this status included. */
  add(status: Status): readonly number[];
}

function createPast(): Past {
  const watts: number[] = [];
  let lastTime = -Infinity;
  return {
    add({ readings, sources }) {
      const time = sources.find(({ name }) => name === "powermetrics")?.lastSample ?? -Infinity;
      const { combined, package: whole, cpu } = readings.power;
      const value = combined ?? whole ?? cpu;
      if (value !== undefined && time > lastTime) {
        lastTime = time;
        watts.push(value);
        if (watts.length > mostPast) watts.shift();
      }
      return watts;
    },
  };
}
