/** OTEL_* variables in a configuration: below the file, above the defaults. */
import { otlpFromEnvironment } from "../sink/otlp/environment.ts";
import type { Environment } from "./environment.ts";
import { problemAt, type Problem } from "./problem.ts";
import { nodeOf, overlay, type Node } from "./tree.ts";

interface OpenTelemetry {
  /** With the receiver that the variables name, where the file names none; `otlp: []` says that there shall be none. */
  underFile(root: Node): Node;
  /** With the resource that the variables name, in every block and below its own attributes. */
  underBlocks(root: Node): Node;
  /** What is wrong with the variables that were used. */
  problems(): readonly Problem[];
}

export function openTelemetry(env: Environment): OpenTelemetry {
  const found = otlpFromEnvironment(env);
  const used = new Set<string>();

  function lay(root: Node, index: number, settings: typeof found.block): Node {
    return settings.reduce<Node>((node, { variable, path, value }) => {
      const full = ["otlp", index, ...path];
      if (hasNode(node, full)) return node;
      return overlay(node, full, nodeOf(value, { kind: "environment", variable })) ?? node;
    }, root);
  }

  return {
    underFile(root) {
      if (root.kind !== "map" || root.entries.has("otlp") || found.block.length === 0) return root;
      used.add("block");
      return lay(root, 0, found.block);
    },
    underBlocks(root) {
      const list = root.kind === "map" ? root.entries.get("otlp")?.node : undefined;
      const blocks = list?.kind === "list" ? list.items : [];
      if (blocks.length > 0) used.add("resource");
      // A job that was written names the service, too.
      const hasJob = hasNode(root, ["global", "job"]);
      const resource = found.resource.filter(({ path }) => !hasJob || path.at(-1) !== "service.name");
      return blocks.reduce<Node>(
        (node, block, index) => (block.kind === "map" ? lay(node, index, resource) : node),
        root,
      );
    },
    problems: () =>
      found.problems
        .filter(({ variable }) => used.has(variable === "OTEL_RESOURCE_ATTRIBUTES" ? "resource" : "block"))
        .map(({ variable, message }) => problemAt({ kind: "environment", variable }, message)),
  };
}

function hasNode(root: Node | undefined, path: readonly (string | number)[]): boolean {
  const [key, ...rest] = path;
  if (root === undefined) return false;
  if (key === undefined) return true;
  if (root.kind === "map") return hasNode(root.entries.get(String(key))?.node, rest);
  return root.kind === "list" && hasNode(root.items[Number(key)], rest);
}
