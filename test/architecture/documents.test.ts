/** What comments and documents name is in the repository, and each file's first sentence says what it is or does. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import test from "node:test";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What tools put into a checkout, right below its root. */
const made = ["node_modules", ".git", "dist", "release", "reports", "coverage"];
const binary = [".png", ".bin", ".gz", ".db"];

interface File {
  /** From the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

const files = readFolder("");

function readFolder(folder: string): readonly File[] {
  return readdirSync(posix.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (made.includes(path)) return [];
    if (entry.isDirectory()) return readFolder(path);
    if (!entry.isFile() || binary.includes(extname(path))) return [];
    return [{ path, text: readFileSync(posix.join(root, path), "utf8") }];
  });
}

test("every document that a comment or a document names is in the repository", () => {
  assert.ok(files.length > 500, `got ${files.length} files`);
  assert.deepEqual(files.flatMap(absentDocuments), []);
});

test("links of documents lead to files of the repository, and to headings in them", () => {
  assert.deepEqual(documents().flatMap(deadLinks), []);
});

test("every path of the tree that a document names is there", () => {
  assert.deepEqual(documents().flatMap(absentPaths), []);
});

test("no file opens with what it owns: the first sentence says what it is or does", () => {
  const found = files.filter(({ text }) => opensWithOwns(text)).map(({ path }) => path);
  assert.deepEqual(found, []);
});

test("what is forbidden in documents and comments is found", () => {
  // Apart, so that the first test does not take these for names of documents.
  const md = ".md";
  assert.deepEqual(
    absentDocuments({ path: "src/x.ts", text: `// as NOWHERE${md}, section 2, says (README${md})` }),
    [`src/x.ts: NOWHERE${md}`],
  );
  assert.deepEqual(
    absentDocuments({
      path: `a${md}`,
      text: `[it](https://example.org/docs/OTHER${md}) and src/sink/README${md}`,
    }),
    [],
  );
  assert.deepEqual(
    deadLinks({
      path: `config/a${md}`,
      text: `# Who's *here*?\n[a](nowhere.png) [b](#whos-here) [c](../README${md}#three-uses) [d](../README${md}#none)`,
    }),
    [`config/a${md}: nowhere.png`, `config/a${md}: ../README${md}#none`],
  );
  assert.deepEqual(
    absentPaths({ path: `a${md}`, text: "`src/nowhere.ts`, `src/agent.ts`, `src/sink/NAME/`" }),
    [`a${md}: src/nowhere.ts`],
  );
  assert.ok(opensWithOwns("#!/bin/sh\n# Owns a thing.\n"));
  assert.ok(opensWithOwns("/**\n * Owns a thing.\n */"));
  assert.ok(!opensWithOwns("/** The owner. Owns are many. */"));
});

/** The change log names what was there when it was written. */
function documents(): readonly File[] {
  return files.filter(({ path }) => path.endsWith(".md") && path !== "CHANGELOG.md");
}

function absentDocuments({ path, text }: File): readonly string[] {
  const named = text.matchAll(/(?<before>https?:\/\/\S*?)?(?<name>[\w./-]*[\w-]\.md)\b/g);
  return [...named].flatMap(({ groups: { before, name } = {} }) => {
    if (before !== undefined || name === undefined || isHere(path, name)) return [];
    return [`${path}: ${name}`];
  });
}

/** Beside the file that names it, or from the project's root. */
function isHere(path: string, name: string): boolean {
  return [dirname(path), ""].some((folder) => existsSync(posix.join(root, folder, name)));
}

function deadLinks({ path, text }: File): readonly string[] {
  return [...text.matchAll(/\]\((?<target>[^)\s]+)\)/g)].flatMap(({ groups: { target = "" } = {} }) => {
    if (/^\w+:/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const linked = file === "" ? path : posix.join(dirname(path), file);
    if (linked !== path && !existsSync(posix.join(root, linked))) return [`${path}: ${target}`];
    if (anchor === undefined) return [];
    const there = linked === path ? text : readFileSync(posix.join(root, linked), "utf8");
    return headings(there).includes(anchor) ? [] : [`${path}: ${target}`];
  });
}

/** As GitHub makes anchors of them. */
function headings(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** In code marks; a word in capitals stands for a name to choose. */
function absentPaths({ path, text }: File): readonly string[] {
  return [...text.matchAll(/`(?<named>(?:src|test|scripts|config|launchd)\/[\w./-]*)/g)].flatMap(
    ({ groups: { named = "" } = {} }) => {
      const isExample = /^[A-Z]+$/.test(basename(named, extname(named)));
      return isExample || existsSync(posix.join(root, named)) ? [] : [`${path}: ${named}`];
    },
  );
}

function opensWithOwns(text: string): boolean {
  return /^(?:#!.*\n|\/\/\/ .*\n|\s)*(?:\/\*\*?|#|\/\/|<!--|""")?\s*\*?\s*Owns\b/.test(text);
}
