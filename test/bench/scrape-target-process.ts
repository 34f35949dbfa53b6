/**
 * Targets of measured scrapes, in a process of their own: GET /SERIES answers with as many series, in families like node_exporter's.
 * A third of them are counters that move with the time, so that whoever asks at the same time gets the same.
 */
import { createServer } from "node:http";

interface Line {
  readonly text: string;
  /** Added each second; 0 for what stands still. */
  readonly rate: number;
  readonly first: number;
}

/** Of one family. */
const devices = 25;

function linesOf(series: number): readonly Line[] {
  return Array.from({ length: series }, (_, at): Line => {
    const family = Math.floor(at / devices);
    const isCounter = family % 2 === 0;
    const name = `node_subsystem${family % 20}_events${family}_${isCounter ? "total" : "bytes"}`;
    const type = isCounter ? "counter" : "gauge";
    const head = `# HELP ${name} Statistic ${family} of the kernel's subsystem.\n# TYPE ${name} ${type}\n`;
    const device = at % devices;
    return {
      text: `${device === 0 ? head : ""}${name}{device="disk${device}",mode="mode${device % 8}"} `,
      rate: isCounter && at % 3 !== 0 ? 1 + (at % 97) / 8 : 0,
      first: (at * 7919) % 100_003,
    };
  });
}

const known = new Map<number, readonly Line[]>();

function bodyOf(series: number, seconds: number): string {
  const lines = known.get(series) ?? linesOf(series);
  known.set(series, lines);
  return lines.map(({ text, rate, first }) => `${text}${first + Math.floor(rate * seconds)}\n`).join("");
}

const server = createServer((asked, answer) => {
  answer.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
  answer.end(bodyOf(Number(asked.url?.slice(1) ?? 0), process.uptime()));
}).listen(0, "127.0.0.1", () => process.send?.(server.address()));
server.keepAliveTimeout = 120_000;
