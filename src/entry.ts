#!/usr/bin/env node
/**
 * The first file of the bundle, dist/cli.js: loads the program, or says which Node.js it needs where that is too old to parse it.
 * Written in what every Node.js since 14 can parse.
 */
const oldestNode = 24;

if (Number(process.versions.node.split(".")[0]) >= oldestNode) void import("./cli.ts");
else {
  console.error(
    `cannot run mac-powermetrics-agent: node must be ${oldestNode} or newer, got ${process.versions.node} at ${process.execPath}; ` +
      "install a newer Node.js, or a release archive, which brings its own",
  );
  process.exitCode = 1;
}
