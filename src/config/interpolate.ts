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
  const replaced = text.replace(
    /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]{0,4096}))?\}|\$\{(?![0-9]+\})/g,
    (reference: string, name: string | undefined, fallback: string | undefined, at: number) => {
      if (reference === "$$") return "$";
      if (name === undefined) {
        failure ??= { at, message: "reference must be written ${NAME} or ${NAME:-default}; $$ is a plain $" };
        return "";
      }
      const value = variable(name);
      if (typeof value === "string" && (value !== "" || fallback === undefined)) return value;
      if (fallback !== undefined) return fallback;
      const advice = `given a default as \${${name}:-default}`;
      const message =
        typeof value === "object"
          ? `cannot read \${${name}}: ${value.why}; the variable ${name} must be set, or ${advice}`
          : `variable ${name} must be set, or ${advice}`;
      failure ??= { at, message };
      return "";
    },
  );
  return failure === undefined ? { ok: true, text: replaced } : { ok: false, ...failure };
}
