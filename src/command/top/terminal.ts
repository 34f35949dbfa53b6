/** The terminal while `top` runs: the alternate screen, keys, its size; it is left as it was found, however `top` ends. */

interface Terminal extends Disposable {
  readonly columns: number;
  readonly rows: number;
  /** Draws as many lines as it has rows over what was drawn before. */
  draw(lines: readonly string[]): void;
}

interface TerminalListener {
  /** A key, or several that came together, as the terminal sends them. */
  key(text: string): void;
  resized(): void;
}

/** Alternate screen, no cursor, no wrapping (xterm control sequences, DECSET). */
const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const leave = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** Both ends a terminal that can move its cursor. */
export function isInteractive(environment: Readonly<Record<string, string | undefined>>): boolean {
  return process.stdout.isTTY && process.stdin.isTTY && environment["TERM"] !== "dumb";
}

/** What is known of the width where nothing is drawn over. */
export function plainColumns(environment: Readonly<Record<string, string | undefined>>): number {
  const columns = Number(environment["COLUMNS"]);
  return Number.isInteger(columns) && columns > 0 ? columns : 80;
}

export function openTerminal(listener: TerminalListener): Terminal {
  const { stdin, stdout } = process;
  const onKey = (bytes: Buffer): void => listener.key(bytes.toString("latin1"));
  const onResize = (): void => listener.resized();
  let open = true;

  function close(): void {
    if (!open) return;
    open = false;
    process.off("exit", close);
    stdin.off("data", onKey);
    stdout.off("resize", onResize);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(leave);
  }

  // A crash passes here too.
  process.on("exit", close);
  stdin.setRawMode(true);
  stdin.on("data", onKey);
  stdout.on("resize", onResize);
  stdout.write(enter);
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    draw(lines) {
      // Lines are cleared first, and nothing after the last, so that a line of full width keeps its last character.
      stdout.write(`\u001b[H${lines.map((line) => `\u001b[2K${line}`).join("\r\n")}`);
    },
    [Symbol.dispose]: close,
  };
}
