/** The command line: argv to command, the process' signals and its exit code. Each command is loaded when it is called. */
import { existsSync, readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { keptHostname } from "./command/hostname.ts";
import { readPlain } from "./runtime/files.ts";
import { systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/random.ts";
import { version } from "./version.ts";
import type { StartContext, CommandContext } from "./command/context.ts";

/** Beyond every limit of what is read so, which say more about it. */
const mostFileBytes = 16 * 1024 * 1024;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const hangups: (() => void)[] = [];
process.on("SIGHUP", () => {
  // The agent reads its configuration again; everything else ends with its terminal.
  if (process.argv[2] !== "run") stop.abort();
  for (const callback of hangups) callback();
});

/** What follows the runtime on our own command line, so that we can be started again as one of Apple's tools. */
const self = [process.execPath, ...process.execArgv, process.argv[1] ?? ""];

/** As much as starting ourselves again takes; the rest costs milliseconds. */
function startContext(): StartContext {
  return { self, version, cwd: process.cwd(), env: process.env, clock: systemClock, signal: stop.signal };
}

function context(): CommandContext {
  const place = {
    env: process.env,
    platform: process.platform,
    home: homedir(),
    uid: process.getuid?.() ?? -1,
  };
  // A reader that went away, as `| head` does, is no error of ours.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  return {
    ...startContext(),
    random: systemRandom,
    onHangup: (callback) => void hangups.push(callback),
    nodeVersion: process.version,
    arch: process.arch,
    ...place,
    hostname: keptHostname(place, hostname()),
    standardErrorIsTerminal: process.stderr.isTTY,
    readFile: (path) => (path.startsWith("/dev/") ? readFileSync(path) : readPlain(path, mostFileBytes)),
    fileExists: (path) => existsSync(path),
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    write: (text) =>
      new Promise((resolve) => {
        process.stdout.write(text, (error) => resolve(error === undefined || error === null));
      }),
  };
}

async function main(): Promise<number> {
  const [verb, ...args] = process.argv.slice(2);
  if (verb === "simulate" && args[0] !== "--help" && args[0] !== "-h") {
    const { simulate } = await import("./command/simulate.ts");
    return simulate(args, stop.signal);
  }
  switch (verb) {
    case "run": {
      // Everything else that a start takes is done while another process reads the configuration.
      const { readConfiguration } = await import("./command/read-configuration.ts");
      const configuration = readConfiguration(args, startContext());
      const { run } = await import("./command/run.ts");
      return run(args, configuration, context());
    }
    case "authorities": {
      const { readSystemAuthorities } = await import("./runtime/http/trust.ts");
      await context().write(`\n${JSON.stringify(readSystemAuthorities())}\n`);
      return 0;
    }
    case "prepare": {
      const { answerRequest } = await import("./command/read-configuration.ts");
      return answerRequest(args, context());
    }
    case "probe": {
      const { probe } = await import("./command/probe.ts");
      return probe(args, context());
    }
    default: {
      const { runProgram } = await import("./command/program.ts");
      return runProgram(process.argv.slice(2), context());
    }
  }
}

process.exitCode = await main();
