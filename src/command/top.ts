/** `top`: the status of an agent, live in a terminal, or as one frame where there is none. */
import { refusesColor } from "../runtime/logger.ts";
import type { History } from "../status/history.ts";
import type { Status } from "../status/status.ts";
import { prepare, type RunChoice } from "./load.ts";
import { preflight } from "./preflight.ts";
import { extentOf, frameLines, plainLines, type Frame } from "./top/frame.ts";
import { lineText, type Palette } from "./top/line.ts";
import { ownSources, runningAgent, type Origin } from "./top/origin.ts";
import { isInteractive, openTerminal, plainColumns } from "./top/terminal.ts";
import { createKeyReader, firstView, pressedInTurn, type View } from "./top/view.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface TopChoice extends RunChoice {
  /** Of a running agent. Without it the usual address is tried, and then sources of our own. */
  readonly url?: string;
}

const usualAddress = "http://127.0.0.1:9127";
/** Without a terminal, until there is something to show. */
const retryMs = 250;
/** The past is asked for less often than the present: it takes the agent longer, and moves by a character. */
const historyMs = 5000;
/** For the first sample of our own sources. */
const longestWaitMs = 15_000;

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

/** Asks at each interval and draws; a key, a resize or the loss of the agent is drawn at once. */
async function live(origin: Origin, context: CommandContext): Promise<ExitCode> {
  const quit = new AbortController();
  const ended = AbortSignal.any([quit.signal, context.signal]);
  const palette: Palette = refusesColor(context.env) ? "mono" : "colour";
  const past = createPast(origin, context);
  let view = firstView;
  let status: Status | undefined;
  let lost: string | undefined;
  let wake = new AbortController();
  const readKeys = createKeyReader();
  using terminal = openTerminal({ key: (text) => press(readKeys(text)), resized: () => draw() });

  function frame(): Frame | undefined {
    return status && { status, history: past.known(view), origin: origin.name, lost, view };
  }

  function press(keys: readonly string[]): void {
    const shown = frame();
    const extent =
      shown === undefined ? { lines: 0, room: 0 } : extentOf(shown, terminal.columns, terminal.rows);
    const next = pressedInTurn(view, keys, extent);
    if (next === "quit") {
      quit.abort();
      return;
    }
    const isNewQuestion = next.range !== view.range || next.intervalMs !== view.intervalMs;
    view = next;
    if (isNewQuestion) wake.abort();
    draw();
  }

  function draw(): void {
    const shown = frame();
    if (shown === undefined || terminal.columns === 0) return;
    terminal.draw(frameLines(shown, terminal.columns, terminal.rows).map((line) => lineText(line, palette)));
  }

  while (!ended.aborted) {
    wake = new AbortController();
    const answer = await origin.ask();
    if (typeof answer === "string") lost = answer;
    else {
      [status, lost] = [answer, undefined];
      await past.refresh(view);
    }
    draw();
    await context.clock.sleep(view.intervalMs, AbortSignal.any([ended, wake.signal]));
  }
  return exitCode.ok;
}

/** One frame, once there is something to show. */
async function plain(origin: Origin, context: CommandContext): Promise<ExitCode> {
  const deadline = context.clock.monotonic() + longestWaitMs;
  let answer = await origin.ask();
  while (!isShowable(answer) && !context.signal.aborted && context.clock.monotonic() < deadline) {
    await context.clock.sleep(retryMs, context.signal);
    answer = await origin.ask();
  }
  if (typeof answer === "string") {
    context.stderr(`cannot show the agent: ${answer}\n`);
    return exitCode.failure;
  }
  const history = await origin.history(firstView.range);
  const frame = { status: answer, history, origin: origin.name, view: firstView };
  const lines = plainLines(frame, plainColumns(context.env));
  await context.write(lines.map((line) => `${lineText(line, "none").trimEnd()}\n`).join(""));
  return exitCode.ok;
}

function isShowable(answer: Status | string): boolean {
  return typeof answer !== "string" && answer.sources.every(({ up }) => up !== undefined);
}

interface Past {
  /** What is known of the view's range. */
  known(view: View): History | undefined;
  /** Asks where it is time to. */
  refresh(view: View): Promise<void>;
}

function createPast(origin: Origin, { clock }: CommandContext): Past {
  let history: History | undefined;
  let askedMs = -Infinity;
  const known = ({ range }: View): History | undefined => (history?.range === range ? history : undefined);
  return {
    known,
    async refresh(view) {
      if (known(view) !== undefined && clock.monotonic() - askedMs < historyMs) return;
      askedMs = clock.monotonic();
      history = (await origin.history(view.range)) ?? known(view);
    },
  };
}
