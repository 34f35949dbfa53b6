/**
 * Reads where an answer begins and ends as Go's and curl's clients do, and hands Node's parser, which is stricter, an answer
 * that it takes: Transfer-Encoding beside Content-Length, the same Content-Length twice, lines that end in LF alone, folded
 * headers, a body after 204, bytes behind the last one.
 *
 *     idle ──begin──► head ──► body (a length, chunks, until the end) ──► idle
 *                      ▲ └─1xx─┘        what makes no sense goes on as it is: the parser refuses it
 *
 * What two readers could take for different answers ends its connection, so that nothing can be smuggled into the next one.
 */
import type { Duplex } from "node:stream";

const readers = new WeakMap<Duplex, AnswerReader>();

/** Of a connection; made when it is first asked for. */
export function answerReader(socket: Duplex): AnswerReader {
  const known = readers.get(socket);
  if (known !== undefined) return known;
  const reader = new AnswerReader();
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null) => {
    const pieces = chunk === null ? reader.end() : reader.take(chunk);
    let wantsMore = true;
    for (const piece of pieces) wantsMore = push(piece);
    // Nobody asked for these bytes, so nobody knows what comes after them.
    if (reader.unsolicited) socket.destroy();
    return chunk === null ? push(null) : wantsMore;
  };
  readers.set(socket, reader);
  return reader;
}

/** A head is buffered whole. Node's own limit of 16 KB is less than Go and curl take. */
export const mostHead = 64 * 1024;
const mostLine = 1024;

type State =
  | { readonly part: "idle" | "head" | "raw" }
  | { readonly part: "length"; left: number }
  | { readonly part: "size" | "data end" | "trailer" }
  | { readonly part: "data"; left: number };

class AnswerReader {
  #state: State = { part: "idle" };
  #pending: Buffer = Buffer.alloc(0);
  #bodiless = false;
  unsolicited = false;

  /** A request goes out: its answer comes next. */
  begin({ bodiless }: { readonly bodiless: boolean }): void {
    this.#bodiless = bodiless;
    this.#pending = Buffer.alloc(0);
    this.#state = { part: "head" };
  }

  /** What Node's parser is to see of these bytes. */
  take(chunk: Buffer): readonly Buffer[] {
    const pieces: Buffer[] = [];
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length > 0 && this.#step(pieces));
    return pieces;
  }

  /** Whatever was held back in the hope of more. */
  end(): readonly Buffer[] {
    return this.#pending.length === 0 || this.unsolicited ? [] : [this.#cut(this.#pending.length)];
  }

  /** False when more bytes are needed. */
  #step(pieces: Buffer[]): boolean {
    const state = this.#state;
    switch (state.part) {
      case "idle":
        this.unsolicited = true;
        this.#pending = Buffer.alloc(0);
        return false;
      case "raw":
        pieces.push(this.#cut(this.#pending.length));
        return false;
      case "head":
        return this.#head(pieces);
      case "length":
        pieces.push(this.#upTo(state));
        if (state.left === 0) this.#state = { part: "idle" };
        return true;
      case "size":
        return this.#size();
      case "data":
        pieces.push(chunkOf(this.#upTo(state)));
        if (state.left === 0) this.#state = { part: "data end" };
        return true;
      case "data end":
        return this.#dataEnd();
      case "trailer":
        return this.#trailer(pieces);
    }
  }

  #head(pieces: Buffer[]): boolean {
    // Left over from a body that was longer than it said (RFC 9112, section 2.2).
    while (this.#pending[0] === 0x0d || this.#pending[0] === 0x0a) this.#cut(1);
    const length = headLength(this.#pending);
    if (length === undefined) {
      const isHopeless = this.#pending.length > mostHead || !mayBeHead(this.#pending);
      if (isHopeless) this.#state = { part: "raw" };
      return isHopeless;
    }
    const head = readHead(this.#pending.toString("latin1", 0, length), this.#bodiless);
    if (head === undefined) {
      this.#state = { part: "raw" };
      return true;
    }
    this.#cut(length);
    pieces.push(Buffer.from(head.text, "latin1"));
    this.#state = afterHead(head.framing);
    return true;
  }

  #size(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    const [, digits] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/s.exec(line) ?? [];
    if (digits === undefined) return this.#nonsense(line);
    const left = Number.parseInt(digits, 16);
    this.#state = left === 0 ? { part: "trailer" } : { part: "data", left };
    return true;
  }

  #dataEnd(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line !== "") return this.#nonsense(line);
    this.#state = { part: "size" };
    return true;
  }

  #trailer(pieces: Buffer[]): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (line !== "") return true;
    pieces.push(lastChunk);
    this.#state = { part: "idle" };
    return true;
  }

  /** Node's parser says what is wrong with it. */
  #nonsense(line: string): boolean {
    this.#pending = Buffer.concat([Buffer.from(`${line}\r\n`, "latin1"), this.#pending]);
    this.#state = { part: "raw" };
    return true;
  }

  /** Without its end, CRLF or LF; undefined until it is there. */
  #line(): string | undefined {
    const end = this.#pending.indexOf(0x0a);
    if (end < 0) {
      if (this.#pending.length > mostLine) this.#state = { part: "raw" };
      return undefined;
    }
    return this.#cut(end + 1)
      .toString("latin1")
      .replace(/\r?\n$/, "");
  }

  #upTo(state: { left: number }): Buffer {
    const piece = this.#cut(Math.min(state.left, this.#pending.length));
    state.left -= piece.length;
    return piece;
  }

  #cut(length: number): Buffer {
    const piece = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return piece;
  }
}

function afterHead(framing: Framing): State {
  switch (framing.kind) {
    case "interim":
      return { part: "head" };
    case "none":
      return { part: "idle" };
    case "length":
      return framing.bytes === 0 ? { part: "idle" } : { part: "length", left: framing.bytes };
    case "chunked":
      return { part: "size" };
    case "until close":
    case "upgrade":
      return { part: "raw" };
  }
}

/** With the empty line at its end. */
function headLength(bytes: Buffer): number | undefined {
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, end + 1)) {
    if (bytes[end + 1] === 0x0a) return end + 2;
    if (bytes[end + 1] === 0x0d && bytes[end + 2] === 0x0a) return end + 3;
  }
  return undefined;
}

const opening = Buffer.from("HTTP/");

function mayBeHead(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, opening.length);
  return bytes.subarray(0, length).equals(opening.subarray(0, length));
}

const lastChunk = Buffer.from("0\r\n\r\n");

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** Where the body ends (RFC 9112, section 6.3). */
type Framing =
  | { readonly kind: "interim" | "none" | "chunked" | "until close" | "upgrade" }
  | { readonly kind: "length"; readonly bytes: number };

interface Head {
  /** To its empty line; asks for the end of the connection where the answer could be read in two ways. */
  readonly text: string;
  readonly framing: Framing;
}

interface Fields {
  readonly lines: readonly string[];
  readonly lengths: readonly string[];
  readonly codings: readonly string[];
  /** Something in them is not as it should be. */
  readonly odd: boolean;
}

/**
 * Reads a head as Go's and curl's clients do and writes it as Node's parser takes it (RFC 9112, sections 2 to 6). Undefined
 * for what cannot be read, or in one way only by guessing.
 * @param bodiless whether the request was a HEAD
 */
function readHead(head: string, bodiless: boolean): Head | undefined {
  const [first = "", ...rest] = head.replace(/\r?\n\r?\n$/, "").split(/\r?\n/);
  const [, minor = "", code = "", phrase = ""] = /^HTTP\/1\.(\d) +(\d{3})(?: (.*))?$/.exec(first) ?? [];
  const fields = code === "" ? undefined : readFields(rest);
  if (fields === undefined) return undefined;
  const framing = framingOf(Number(code), fields, { bodiless, old: minor === "0" });
  if (framing === undefined) return undefined;
  const isOdd = fields.odd || minor > "1" || /[^\r]\n/.test(head) || isAmbiguous(framing, fields, bodiless);
  const status = `HTTP/1.${minor > "1" ? "1" : minor} ${code} ${phrase}`;
  const lines = isOdd
    ? fields.lines.filter((line) => !/^(?:connection|keep-alive):/i.test(line))
    : fields.lines;
  const written = [
    status,
    ...lines,
    ...framingLines(framing, fields, bodiless),
    ...(isOdd ? ["Connection: close"] : []),
  ];
  return { text: `${written.join("\r\n")}\r\n\r\n`, framing };
}

function readFields(raw: readonly string[]): Fields | undefined {
  const lines: string[] = [];
  const lengths: string[] = [];
  const codings: string[] = [];
  let odd = false;
  for (const line of unfolded(raw)) {
    const [, name = "", space = "", value = ""] =
      /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t]*):(.*)$/s.exec(line) ?? [];
    if (name === "") return undefined;
    odd ||= space !== "";
    const parts = value.split(",").map((part) => part.trim());
    if (name.toLowerCase() === "content-length") lengths.push(...parts);
    else if (name.toLowerCase() === "transfer-encoding")
      codings.push(...parts.map((part) => part.toLowerCase()));
    else lines.push(`${name}:${value}`);
  }
  return { lines, lengths, codings, odd: odd || raw.some((line) => /^[ \t]/.test(line)) };
}

/** A line that begins with a blank goes on with the one before (RFC 9112, section 5.2). */
function unfolded(raw: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const line of raw) {
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop() ?? ""} ${line.trim()}`);
    else lines.push(line);
  }
  return lines;
}

function framingOf(
  status: number,
  { lengths, codings }: Fields,
  { bodiless, old }: { readonly bodiless: boolean; readonly old: boolean },
): Framing | undefined {
  if (status === 101) return { kind: "upgrade" };
  if (status < 200) return { kind: "interim" };
  if (bodiless || status === 204 || status === 304) return { kind: "none" };
  const meant = old ? [] : codings.filter((coding) => coding !== "identity");
  if (meant.length > 0) return meant.length === 1 && meant[0] === "chunked" ? { kind: "chunked" } : undefined;
  const [length, ...others] = new Set(lengths);
  if (length === undefined) return { kind: "until close" };
  const bytes = /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  return bytes === undefined || others.length > 0 ? undefined : { kind: "length", bytes };
}

/** Another reader may see another end of it. */
function isAmbiguous(framing: Framing, { lengths, codings }: Fields, bodiless: boolean): boolean {
  if (framing.kind === "none" && !bodiless)
    return codings.length > 0 || lengths.some((length) => length !== "0");
  if (framing.kind === "interim") return codings.length > 0 || lengths.length > 0;
  return lengths.length > 1 || codings.length > 1 || (lengths.length > 0 && codings.length > 0);
}

function framingLines(framing: Framing, { lengths }: Fields, bodiless: boolean): readonly string[] {
  if (framing.kind === "chunked") return ["Transfer-Encoding: chunked"];
  if (framing.kind === "length") return [`Content-Length: ${framing.bytes}`];
  return framing.kind === "none" && bodiless && lengths[0] !== undefined
    ? [`Content-Length: ${lengths[0]}`]
    : [];
}
