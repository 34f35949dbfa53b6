/** Reads a property list with saxes: the object that its events make, with no more checks than that takes. */
import { SaxesParser } from "saxes";

type Value = string | number | boolean | Date | Value[] | Map<string, Value>;

/** @throws Error of saxes for what is no XML */
export function parseWithSaxes(text: string): Value | undefined {
  const parser = new SaxesParser();
  const open: Value[] = [];
  const keys: string[] = [];
  let root: Value | undefined;
  let content = "";

  function add(value: Value): void {
    const parent = open.at(-1);
    if (parent instanceof Map) parent.set(keys.pop() ?? "", value);
    else if (Array.isArray(parent)) parent.push(value);
    else root = value;
  }

  parser.on("text", (piece) => (content += piece));
  parser.on("opentag", ({ name }) => {
    content = "";
    if (name !== "dict" && name !== "array") return;
    const container: Value = name === "dict" ? new Map<string, Value>() : [];
    add(container);
    open.push(container);
  });
  parser.on("closetag", ({ name }) => {
    if (name === "dict" || name === "array") open.pop();
    else if (name === "key") keys.push(content);
    else if (name !== "plist") add(leaf(name, content));
  });
  parser.write(text).close();
  return root;
}

function leaf(name: string, content: string): Value {
  switch (name) {
    case "integer":
    case "real":
      return Number(content);
    case "true":
    case "false":
      return name === "true";
    case "date":
      return new Date(content);
    default:
      return content;
  }
}
