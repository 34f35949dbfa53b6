/** Replaces `${VAR}`, `${VAR:-default}` and `$$` inside one value; structure is never made from them. */

/** What a variable holds; undefined where it is not set, and why where the system has no answer for it. */
export type Variable = string | { readonly why: string } | undefined;

type Interpolated =
  | { readonly ok: true; readonly text: string }
  /** `at` is the offset of the first reference that failed. */
  | { readonly ok: false; readonly at: number; readonly message: string };

/**
 * The text with its references replaced; what a variable holds is taken as it is, never looked through again.
 * `:-` serves for a variable that is unset or empty, as in a shell. A `$` that starts no reference stays (`$1`, `${1}` of
 * relabelling); `$$` is one `$`.
 */
export function interpolate(text: string, variable: (name: string) => Variable): Interpolated {
  let failure: { at: number; message: string } | undefined;
  let replaced = "";
  let end = 0;
  const lastBrace = text.lastIndexOf("}");
  for (const { 0: opened, 1: name, 2: sign, index: at } of text.matchAll(opening)) {
    // Inside a default, which is taken as it is.
    if (at < end) continue;
    replaced += text.slice(end, at);
    end = at + opened.length;
    if (opened === "$$") {
      replaced += "$";
    } else if (name === undefined || (sign === ":-" && end > lastBrace)) {
      failure ??= { at, message: "reference must be written ${NAME} or ${NAME:-default}; $$ is a plain $" };
    } else {
      const closing = text.indexOf("}", end - 1);
      const fallback = sign === ":-" ? text.slice(end, closing) : undefined;
      end = closing + 1;
      const value = variable(name);
      if (typeof value === "string" && (value !== "" || fallback === undefined)) replaced += value;
      else if (fallback !== undefined) replaced += fallback;
      else failure ??= { at, message: unset(name, value) };
    }
  }
  return failure === undefined ? { ok: true, text: replaced + text.slice(end) } : { ok: false, ...failure };
}

/** How a reference begins, and where it has no default, all of it. */
const opening = /\$\$|\$\{(?![0-9]+\})(?:([A-Za-z_][A-Za-z0-9_]*)(:-|\}))?/g;

function unset(name: string, value: Variable): string {
  const advice = `given a default as \${${name}:-default}`;
  return typeof value === "object"
    ? `cannot read \${${name}}: ${value.why}; the variable ${name} must be set, or ${advice}`
    : `variable ${name} must be set, or ${advice}`;
}
