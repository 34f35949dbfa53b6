/** Makes HTML: whatever is put into a template is text, unless it is HTML that a template made. Runs in the browser too. */

export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | readonly Html[] | undefined;

/** A template whose values are escaped, for text and for quoted attributes; `undefined` leaves nothing. */
export function html(literals: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { markup: literals.map((literal, index) => literal + partMarkup(values[index])).join("") };
}

function partMarkup(part: Part): string {
  if (part === undefined) return "";
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return "markup" in part ? part.markup : part.map(({ markup }) => markup).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control and direction characters, which could hide or turn what follows them, are shown as the replacement character. */
function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
    .replace(/[^\P{Cc}\t\n\r]|\p{Bidi_Control}/gu, "\ufffd");
}
