/** Reads what a client accepts: the exposition format by `Accept`, gzip by `Accept-Encoding` (RFC 9110, section 12.5). */
import type { ExpositionFormat } from "./exposition.ts";

interface Range {
  /** Lower case: `text/plain`, `text/*`, `gzip`, `*`. */
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** More than any scraper sends; what follows is not looked at. */
const mostRanges = 64;

const offers: Readonly<Record<ExpositionFormat, { readonly type: string; readonly version: string }>> = {
  prometheus: { type: "text/plain", version: "0.0.4" },
  openmetrics: { type: "application/openmetrics-text", version: "1.0.0" },
};

/**
 * The format the client prefers; text 0.0.4 when it has no preference, and also when it accepts neither, as every
 * exporter does.
 */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  if (accept === undefined) return "prometheus";
  const ranges = parseRanges(accept);
  return formatQuality(ranges, "openmetrics") > formatQuality(ranges, "prometheus")
    ? "openmetrics"
    : "prometheus";
}

/** Whether the client takes gzip, and does not prefer the plain body. */
export function acceptsGzip(acceptEncoding: string | string[] | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const ranges = parseRanges(acceptEncoding.toString());
  const quality = (name: string): number | undefined => ranges.find((range) => range.name === name)?.quality;
  const gzip = quality("gzip") ?? quality("x-gzip") ?? quality("*") ?? 0;
  return gzip > 0 && gzip >= (quality("identity") ?? 0);
}

/** The quality of the most specific range that matches; the best of several equally specific ones. */
function formatQuality(ranges: readonly Range[], format: ExpositionFormat): number {
  let best = { specificity: 0, quality: 0 };
  for (const range of ranges) {
    const specificity = specificityOf(range, format);
    if (specificity < best.specificity || specificity === 0) continue;
    const quality = specificity === best.specificity ? Math.max(best.quality, range.quality) : range.quality;
    best = { specificity, quality };
  }
  return best.quality;
}

/** 0 for no match. Parameters other than the version (`escaping`, `charset`) change nothing for us. */
function specificityOf({ name, parameters }: Range, format: ExpositionFormat): number {
  const { type, version } = offers[format];
  if (name === "*/*") return 1;
  if (name === `${type.split("/", 1)[0] ?? ""}/*`) return 2;
  if (name !== type) return 0;
  const wanted = parameters.get("version");
  if (wanted === undefined) return 3;
  return wanted === version ? 4 : 0;
}

function parseRanges(header: string): readonly Range[] {
  return header.split(",", mostRanges).map(parseRange);
}

function parseRange(text: string): Range {
  const [name = "", ...rest] = text.split(";").map((part) => part.trim().toLowerCase());
  const parameters = new Map(rest.map(parseParameter));
  return { name, parameters, quality: parseQuality(parameters.get("q")) };
}

function parseParameter(text: string): [string, string] {
  const [name = "", value = ""] = text.split("=", 2).map((part) => part.trim());
  return [name, value.replace(/^"(.*)"$/, "$1")];
}

/** An invalid quality counts as 1, which is what a missing one means. */
function parseQuality(text: string | undefined): number {
  return text !== undefined && /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 1;
}
