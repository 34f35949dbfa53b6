/** Cuts a whole stream into documents, read at once and by the rules alone; nothing of it is shared with src. */

export interface Cut {
  readonly frames: readonly string[];
  /** Bytes of documents that were cut off or too large. */
  readonly lost: number;
  /** Bytes of the lines between documents that are not blank, without their ends. */
  readonly garbage: number;
}

/** A document goes from the first `<?xml` or `<plist` to `</plist>`; one begun again in it cuts off what came before. */
export function cut(stream: string, maxBytes: number): Cut {
  const text = stream.replaceAll("\0", "");
  const frames: string[] = [];
  let lost = 0;
  let garbage = 0;
  let at = 0;
  while (at < text.length) {
    const begins = text.slice(at).search(/<\?xml|<plist/);
    const start = begins < 0 ? text.length : at + begins;
    garbage += lineBytes(text.slice(at, start));
    const closes = text.indexOf("</plist>", start);
    const end = closes < 0 ? text.length : closes + "</plist>".length;
    const document = text.slice(start, end);
    const again = document.lastIndexOf(document.startsWith("<?xml") ? "<?xml" : "<plist");
    const whole = closes >= 0 && document.length - again <= maxBytes;
    if (whole) frames.push(document.slice(again));
    lost += whole ? again : document.length;
    at = end;
  }
  return { frames, lost, garbage };
}

function lineBytes(text: string): number {
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  return lines.reduce((sum, { length }) => sum + length, 0);
}

/** Lines that are handed on in pieces, of which a blank one counts for nothing. */
export function hasLongLines(stream: string): boolean {
  return stream
    .replaceAll("\0", "")
    .split(/[\r\n]/)
    .some(({ length }) => length > 500);
}
