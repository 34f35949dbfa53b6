/** Writes a property list as powermetrics prints it: append only, no indentation, power keys on their own line. */

export interface PlistWriter {
  integer(key: string, value: number): void;
  /** Printed as C's `%g`: six significant digits. */
  real(key: string, value: number): void;
  string(key: string, value: string): void;
  /** A string with its markup left as it is, as powermetrics is said to print process names. */
  unescapedString(key: string, value: string): void;
  flag(key: string, value: boolean): void;
  /** Whole seconds, truncated, UTC. */
  date(key: string, timeMs: number): void;
  /** The forms in which the key has a line of its own. */
  brokenInteger(key: string, value: number): void;
  brokenReal(key: string, value: number): void;
  dictionary(key: string | undefined, body: () => void): void;
  array<Item>(key: string, items: readonly Item[], each: (item: Item, index: number) => void): void;
  line(text: string): void;
  text(): string;
}

/** What every property list of Apple's begins with. */
export const plistHead = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">`;

export function plistWriter(): PlistWriter {
  let text = "";
  const line = (added: string): void => {
    text += added + "\n";
  };
  return {
    integer: (key, value) => line(`<key>${key}</key><integer>${value}</integer>`),
    real: (key, value) => line(`<key>${key}</key><real>${formatReal(value)}</real>`),
    string: (key, value) => line(`<key>${key}</key><string>${escapeMarkup(value)}</string>`),
    unescapedString: (key, value) => line(`<key>${key}</key><string>${value}</string>`),
    flag: (key, value) => line(`<key>${key}</key><${value}/>`),
    date: (key, timeMs) =>
      line(`<key>${key}</key><date>${new Date(timeMs).toISOString().slice(0, 19)}Z</date>`),
    brokenInteger: (key, value) => line(`<key>${key}</key>\n<integer>${value}</integer>`),
    brokenReal: (key, value) => line(`<key>${key}</key>\n<real>${formatReal(value)}</real>`),
    dictionary(key, body) {
      line(key === undefined ? "<dict>" : `<key>${key}</key>\n<dict>`);
      body();
      line("</dict>");
    },
    array(key, items, each) {
      line(`<key>${key}</key>\n<array>`);
      items.forEach(each);
      line("</array>");
    },
    line,
    text: () => text,
  };
}

/** C's `%g`. */
export function formatReal(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const [mantissa = "0", exponentText = "0"] = value.toExponential(5).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${Number(mantissa)}e${exponent < 0 ? "-" : "+"}${digits}`;
}

export function escapeMarkup(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
