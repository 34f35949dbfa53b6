/** Writes values for people: three digits or so, and the unit. Runs in the browser, and in `top`, too. */

export type Format = (value: number) => string;

export const watts: Format = (value) =>
  value < 1 ? `${(value * 1000).toFixed(0)} mW` : `${value.toFixed(value < 10 ? 2 : 1)} W`;

export const hertz: Format = (value) =>
  value >= 1e9 ? `${(value / 1e9).toFixed(2)} GHz` : `${(value / 1e6).toFixed(0)} MHz`;

export const percent: Format = (value) => `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} %`;

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export const bytes: Format = (value) => {
  const power = Math.max(0, Math.min(byteUnits.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const scaled = value / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)} ${byteUnits[power] ?? "B"}`;
};

/** A count with thin gaps: 1 234 567. */
export const count: Format = (value) => String(value).replace(/\B(?=(?:\d{3}){1,7}$)/g, "\u202f");

/** `12 s`, `5 min`, `3 h 20 min`, `4 d 2 h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const ago = (time: number, now: number): string => `${span(now - time)} ago`;

/** Local time of the day, with the date where it is not today's. */
export function clockTime(time: number, now: number): string {
  const at = new Date(time);
  const text = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
  if (at.toDateString() === new Date(now).toDateString()) return text;
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())} ${text}`;
}

const twoDigits = (value: number): string => String(value).padStart(2, "0");
