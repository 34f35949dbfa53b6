/** What children print: their output up to a bound, and the lines that they complain with. */
import { StringDecoder } from "node:string_decoder";
import { printable } from "../runtime/printable.ts";

/** What a tool prints, until it is too much. */
export interface Output {
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** Standard output, and the first line of standard error. */
  read(): { readonly stdout: Buffer; readonly stderr: string };
}

export function collectOutput(maxBytes: number, onTooMuch: () => void): Output {
  const chunks: Buffer[] = [];
  let length = 0;
  let stderr = "";
  const firstLine = splitLines((line) => {
    if (stderr === "") stderr = line;
  });
  return {
    onStdout(chunk) {
      length += chunk.length;
      if (length > maxBytes) onTooMuch();
      else chunks.push(chunk);
    },
    onStderr: (chunk) => firstLine.push(chunk),
    read() {
      firstLine.end();
      return { stdout: Buffer.concat(chunks), stderr };
    },
  };
}

interface LineSplitter {
  push(chunk: Buffer): void;
  /** Passes on a last line that has no newline. */
  end(): void;
}

/** Calls back with each line that is not blank, trimmed, control characters escaped, cut at `maxLength` characters. */
export function splitLines(onLine: (line: string) => void, maxLength = 300): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let pending = "";

  function emit(): void {
    const line = printable(pending.trim());
    pending = "";
    if (line !== "") onLine(line.length > maxLength ? `${line.slice(0, maxLength)}…` : line);
  }
  return {
    push(chunk) {
      const text = decoder.write(chunk);
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        keep(text.slice(from, at));
        emit();
        from = at + 1;
      }
      keep(text.slice(from));
    },
    end() {
      keep(decoder.end());
      emit();
    },
  };

  /** One character more than fits, so that the cut shows. */
  function keep(text: string): void {
    pending += text.slice(0, Math.max(0, maxLength + 1 - pending.length));
  }
}
