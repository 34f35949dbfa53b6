/** Draws a terminal's screen as a web page, for pictures of it: sixteen colours and weight, as `tmux capture-pane -e` gives them. */

const colours: Readonly<Record<string, string>> = {
  "31": "#ff7b72",
  "32": "#56d364",
  "33": "#e3b341",
  "36": "#56d4dd",
  "90": "#8b949e",
};

export function screenPage(screen: string): string {
  const [first = "", ...rest] = screen.split("\u001b[");
  let style = "";
  const spans = rest.map((part) => {
    const end = part.indexOf("m");
    style = styleOf(part.slice(0, end), style);
    return `<span style="${style}">${escapeText(part.slice(end + 1))}</span>`;
  });
  return `<!doctype html><body style="margin:0;background:#0d1117"><pre style="width:fit-content;margin:0;padding:16px;background:#0d1117;color:#e6edf3;font:14px/1.25 'DejaVu Sans Mono',monospace">${escapeText(first)}${spans.join("")}</pre>`;
}

/** A sequence adds to what is set, unless it resets. */
function styleOf(codes: string, before: string): string {
  return codes.split(";").reduce((style, code) => {
    if (code === "" || code === "0") return "";
    if (code === "1") return `${style}font-weight:bold;`;
    const colour = code === "39" ? "inherit" : colours[code];
    return colour === undefined ? style : `${style}color:${colour};`;
  }, before);
}

const escapeText = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
