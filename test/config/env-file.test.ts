/** `mdm.env` beside the configuration: what it gives, and what of it is refused, by line. */
import assert from "node:assert/strict";
import test from "node:test";
import { accepted, refused, worldOf, world } from "./world.ts";

const yaml = "global: { external_labels: { site: '${MAC_SITE:-office}', team: '${MAC_TEAM}' } }\n";

const beside = (text: string | Uint8Array, changes = {}) =>
  world({ "/work/agent.yaml": yaml, "/work/mdm.env": text }, { path: "agent.yaml", ...changes });

test("variables of mdm.env stand for references and settings, and the environment's own come first", () => {
  const text =
    '\uFEFF# by the MDM\r\nMAC_SITE="new york"\r\n\r\nMAC_TEAM=video=editing\nMAC_POWERMETRICS_LOG_LEVEL=debug\n';
  const { configuration } = accepted(beside(text, { env: { MAC_TEAM: "shell" } }));
  assert.deepEqual(configuration.global.external_labels, { site: "new york", team: "shell" });
  assert.equal(configuration.log.level, "debug");
  const { global } = accepted(beside("MAC_TEAM='a # b $HOME ${X}' \n")).configuration;
  assert.deepEqual(global.external_labels, { site: "office", team: "a # b $HOME ${X}" }, "taken as it is");
});

test("proxies may be named in mdm.env, since launchd hands on no variables; those of the environment come first", () => {
  const text = "HTTPS_PROXY=http://proxy.corp:3128\nno_proxy=.corp\nMAC_TEAM=video\n";
  const { proxies } = accepted(beside(text, { env: { HTTP_PROXY: "http://shell:1", no_proxy: ".shell" } }));
  assert.deepEqual(proxies, {
    HTTP_PROXY: "http://shell:1",
    HTTPS_PROXY: "http://proxy.corp:3128",
    no_proxy: ".shell",
  });
});

test("what is no variable is refused with its line and without its value, and is all that is reported", () => {
  const text = [
    "MAC_SITE berlin-hunter2",
    "export MAC_TEAM=hunter2",
    " MAC_TEAM=hunter2",
    "MAC_TEAM = hunter2",
    "2ND=hunter2",
    "A='hunter2",
    'B="hun"ter2"',
    "C=1",
    "C=2",
    "STATE_DIRECTORY=/tmp",
  ].join("\n");
  const lines = refused(beside(text));
  assert.deepEqual(
    lines.map((line) => line.split(": ").slice(0, 2).join(": ")),
    [
      "mdm.env:1:1: line must be KEY=value, got one without =",
      "mdm.env:2:1: line must be KEY=value, got one that begins with export",
      'mdm.env:3:1: name must be letters, digits and _ with no blank around it, got " MAC_TEAM"',
      'mdm.env:4:1: name must be letters, digits and _ with no blank around it, got "MAC_TEAM "',
      'mdm.env:5:1: name must be letters, digits and _ with no blank around it, got "2ND"',
      "mdm.env:6:1: value of A must end with the quote that it begins with",
      "mdm.env:7:1: value of B must end with the quote that it begins with",
      "mdm.env:9:1: variable must be set once, got C twice",
      "mdm.env:10:1: STATE_DIRECTORY must not be set here",
    ],
  );
  assert.doesNotMatch(lines.join("\n"), /hun/);
});

test("a file that is no text, too long or may not be read is a problem, and none at all is not", () => {
  for (const bytes of [Buffer.from([0x41, 0x3d, 0xff]), Buffer.from("A=\0"), Buffer.alloc(70_000, "#")])
    assert.match(
      refused(beside(bytes)).join("\n"),
      /^mdm\.env:1:1: file must be UTF-8 text of at most 65536 bytes$/,
    );
  const forbidden = beside("");
  const readFile = (path: string): Uint8Array => {
    if (path.endsWith("mdm.env")) throw Object.assign(new Error("no"), { code: "EACCES" });
    return forbidden.readFile(path);
  };
  assert.match(
    refused({ ...forbidden, readFile }).join("\n"),
    /^mdm\.env: cannot read file: permission denied$/m,
  );
  accepted(worldOf("{}"));
});
