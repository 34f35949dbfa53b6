/** The head of an answer: read as Go's and curl's clients read it, written as Node's parser takes it (RFC 9112, sections 2 to 6). Pure. */

export type Framing =
  | { readonly kind: "interim" | "none" | "chunked" | "until close" | "upgrade" }
  | { readonly kind: "length"; readonly bytes: number };

export interface Head {
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

/** @param bodiless whether the request was a HEAD. Undefined for what cannot be read, or in one way only by guessing. */
export function readHead(head: string, bodiless: boolean): Head | undefined {
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
