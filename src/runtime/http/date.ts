/** Reads the dates of HTTP headers (`Date`, `Retry-After`), of which `Date.parse` accepts far too many. */

/** RFC 9110, section 5.6.7: the form to send, and two obsolete ones that a recipient must accept. */
const imfFixdate =
  /^[A-Z][a-z]{2}, \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const rfc850 =
  /^[A-Z][a-z]{5,8}, \d{2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const asctime =
  /^[A-Z][a-z]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** Milliseconds since the Unix epoch, or nothing where the text is no HTTP date. */
export function parseHttpDate(text: string): number | undefined {
  const ms = imfFixdate.test(text) || rfc850.test(text) ? Date.parse(text) : parseAsctime(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function parseAsctime(text: string): number {
  return asctime.test(text) ? Date.parse(`${text} GMT`) : NaN;
}
