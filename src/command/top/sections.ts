/** Shares the lines of a terminal among sections: each has its least, and what is left goes to those that matter more first. */
import { span, type Line } from "./line.ts";

export interface Section {
  /** Absent where it belongs under the section before. */
  readonly heading?: Line;
  readonly lines: readonly Line[];
  /** So many are shown, or the sections do not fit. */
  readonly least: number;
  /** The lower, the sooner it gets what is left. */
  readonly rank: number;
  /** Whether a line says how many are left out. */
  readonly counts?: boolean;
}

/** Undefined where even the least does not fit. A heading is never without lines below it. */
export function shareRoom(sections: readonly Section[], room: number): readonly Line[] | undefined {
  const counts = new Map(sections.map((section) => [section, Math.min(section.least, section.lines.length)]));
  let left = sections.reduce((sum, section) => sum - heightOf(section, counts.get(section) ?? 0), room);
  if (left < 0) return undefined;
  for (const section of sections.toSorted((a, b) => a.rank - b.rank)) {
    const before = counts.get(section) ?? 0;
    const headingToo = before === 0 && section.heading !== undefined ? 1 : 0;
    const more = Math.min(section.lines.length - before, left - headingToo);
    if (more <= 0) continue;
    counts.set(section, before + more);
    left -= more + headingToo;
  }
  return sections.flatMap((section) => shown(section, counts.get(section) ?? 0));
}

export function allLines(sections: readonly Section[]): readonly Line[] {
  return sections.flatMap((section) => shown(section, section.lines.length));
}

function heightOf({ heading }: Section, count: number): number {
  return count === 0 ? 0 : count + (heading === undefined ? 0 : 1);
}

function shown({ heading, lines, counts = false }: Section, count: number): readonly Line[] {
  if (count === 0) return [];
  const isCut = counts && count < lines.length;
  const some = isCut
    ? [...lines.slice(0, count - 1), [span(`… ${lines.length - count + 1} more lines`, "dim")]]
    : lines.slice(0, count);
  return heading === undefined ? some : [heading, ...some];
}
