/// <reference lib="dom" />
/** Changes an element's content to new HTML and touches only what differs, so that focus, selection and open details stay. */
import type { Html } from "../html.ts";

/** `html` is what the view made, in which every value is escaped. */
export function morph(element: Element, html: Html): void {
  const template = document.createElement("template");
  template.innerHTML = html.markup;
  morphChildren(element, template.content);
}

function morphChildren(present: ParentNode & Node, wanted: ParentNode & Node): void {
  const old = [...present.childNodes];
  const fresh = [...wanted.childNodes];
  for (const [index, node] of fresh.entries()) {
    const before = old[index];
    if (before === undefined) present.appendChild(node);
    else if (!adopt(before, node)) present.replaceChild(node, before);
  }
  for (const surplus of old.slice(fresh.length)) surplus.remove();
}

/** Makes `present` like `wanted` where they are of one kind. */
function adopt(present: ChildNode, wanted: ChildNode): boolean {
  if (present.nodeName !== wanted.nodeName) return false;
  if (!(present instanceof Element) || !(wanted instanceof Element)) {
    if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue;
    return true;
  }
  for (const { name, value } of wanted.attributes)
    if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  for (const name of present.getAttributeNames()) {
    // Whether details are open is the reader's choice.
    if (name !== "open" && !wanted.hasAttribute(name)) present.removeAttribute(name);
  }
  morphChildren(present, wanted);
  return true;
}
