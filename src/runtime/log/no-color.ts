/** Reads NO_COLOR. */

/** https://no-color.org: any value but an empty one. */
export function refusesColor(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env["NO_COLOR"] ?? "") !== "";
}
