import assert from "node:assert/strict";
import test from "node:test";
import { lookUpIdentities } from "../../src/diagnosis/identities.ts";
import { createRedactor, type Identity } from "../../src/diagnosis/redact.ts";
import { parsePlist } from "../../src/parse/plist/reader.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import fc from "../support/property.ts";
import { leaks, spellings } from "./leaks.ts";

const salt = Buffer.from("salt of the test");
const known: readonly Identity[] = [
  { kind: "serial", value: "C02ZK8XYLVDQ" },
  { kind: "uuid", value: "8A1B2C3D-1111-2222-3333-ABCDEF012345" },
  { kind: "host", value: "Zoë’s MacBook Pro" },
  { kind: "host", value: "zoe-laptop.corp.example.com" },
  { kind: "user", value: "zoemueller" },
  { kind: "user", value: "Müller-Lüdenscheidt" },
  { kind: "network", value: "Café Zimmer 7" },
  { kind: "receiver", value: "central-metrics" },
];

const redactor = createRedactor(known, salt);
const hide = (text: string): string => redactor.text(text);

test("JSON with credentials in it stays JSON", () => {
  const text =
    '{"token":"a}b","secret":123456,"credentials":{"password":"hunter2"},"tokens":[1,2],"ok":{"token":99},"authorization":null,"proxy":{"authorization":"Bearer abcd1234"}}';
  const hidden = hide(text);
  const parsed = JSON.parse(hidden) as Record<string, unknown>;
  assert.deepEqual(Object.keys(parsed), [
    "token",
    "secret",
    "credentials",
    "tokens",
    "ok",
    "authorization",
    "proxy",
  ]);
  assert.deepEqual([parsed["tokens"], parsed["authorization"]], [[1, 2], null]);
  for (const secret of ["a}b", "123456", "hunter2", "abcd1234"]) assert.ok(!hidden.includes(secret), secret);
});

for (const { kind, value } of known) {
  for (const [form, spelled] of Object.entries(spellings(value))) {
    test(`a ${kind} is hidden as ${form}`, () => {
      const text = `before ${spelled} after`;
      const hidden = hide(text);
      assert.notEqual(hidden, text);
      assert.deepEqual(leaks(hidden, [value]), []);
      assert.match(hidden, /^before .* after$/s, "what stands around it stays");
    });
  }
}

test("a host's name is one value with and without its domain, and in its forms for Bonjour", () => {
  const [first, ...others] = [
    "Zoë’s MacBook Pro",
    "zoë's macbook pro",
    "Zoes-MacBook-Pro",
    "Zoes-MacBook-Pro.local",
    "ZOES_MACBOOK_PRO",
  ].map(hide);
  assert.match(first ?? "", /^host-[0-9a-f]{8}$/);
  for (const other of others) assert.match(other, /^host-[0-9a-f]{8}(?:\.local)?$/);
  assert.equal(others[2]?.replace(".local", ""), others[1]);
});

test("another salt gives another hash", () => {
  const other = createRedactor(known, Buffer.from("another"));
  assert.notEqual(other.text("C02ZK8XYLVDQ"), hide("C02ZK8XYLVDQ"));
  assert.equal(hide("c02zk8xylvdq"), hide("C02ZK8XYLVDQ"));
});

const byForm: readonly (readonly [text: string, hidden: string])[] = [
  ["see https://intern.example.org:9090/push?token=abc123 now", "intern.example.org"],
  ["from 10.20.30.40 port 9127", "10.20.30.40"],
  ["inet6 fe80::1234:5678:9abc:def0%en0 prefixlen 64", "fe80::1234:5678:9abc:def0"],
  ["inet6 2001:db8::7", "2001:db8::7"],
  ["ether a4:83:e7:12:34:56", "a4:83:e7:12:34:56"],
  ["(a4-83-e7-12-34-56)", "a4-83-e7-12-34-56"],
  ["by someone.else@example.net,", "someone.else@example.net"],
  ["/Users/secondperson/Library", "secondperson"],
  ["program = /home/third.person/bin/node", "third.person"],
  ["printer-of-anna.local. answered", "printer-of-anna"],
  ["0F2E4C6A-0000-4000-8000-00000000ABCD", "0F2E4C6A-0000-4000-8000-00000000ABCD"],
  ['"IOPlatformSerialNumber" = "DLC999PLANT1"', "DLC999PLANT1"],
  ['{"Serial"="DLC999PLANT2","CycleCount"=5}', "DLC999PLANT2"],
  ["      Serial Number (system): DLC999PLANT3", "DLC999PLANT3"],
  ["  SSID : Mein Netz 5", "Mein Netz 5"],
  ["kern.hostname: somebox", "somebox"],
  ["Hardware UUID: 12345678PLANT", "12345678PLANT"],
  ["<key>SerialNumber</key>\n\t<string>DLC999PLANT4</string>", "DLC999PLANT4"],
  ["curl --data 'password=hunter2hunter2&user=a'", "hunter2hunter2"],
  ['{"api_key": "k3yk3yk3y"}', "k3yk3yk3y"],
  ["> Authorization: Bearer abcDEF123.xyz-_~+/=", "abcDEF123.xyz-_~+/"],
  ["proxy-authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"],
  ["sent with Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "eyJhbGciOiJIUzI1NiJ9"],
  ["<key>ProxyPassword</key>\n<string>hunter2hunter2</string>", "hunter2hunter2"],
  [" -InternalBattery-0 (id=19136611)\t100%; charged; 0:00 remaining present: true", "19136611"],
];

for (const [text, hidden] of byForm) {
  test(`what nobody knows is hidden by its form: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(leaks(hide(text), [hidden]), []);
    assert.equal(hide(hide(text)).length, hide(text).length, "a second time changes nothing in length");
  });
}

test("what identifies nobody stays", () => {
  for (const text of [
    "Pages free:                              109579.",
    "kern.boottime: { sec = 1790035733, usec = 771825 } Tue Sep 22 00:08:53 2026",
    "Now drawing from 'AC Power'",
    "http://www.apple.com/DTDs/PropertyList-1.0.dtd",
    "127.0.0.1:9127 and ::1 at 10:22:33",
    "macOS 15.5 (24F74), Mac16,8, Node.js 26.10.0, elapsed 1:02.33",
    "<key>elapsed_ns</key><integer>1301234567</integer>",
    "/Users/Shared/x /usr/local/bin/node /Library/Logs",
    '"SerialNumberUsed" = No',
  ])
    assert.equal(hide(text), text);
});

test("generic names do not make a report unreadable", () => {
  const generic = createRedactor(
    ["root", "Mac", "localhost", "MacBook-Pro.local", "iMac", "ab", "_macagent", "Mac-mini-2"].map(
      (value) => ({
        kind: "host" as const,
        value,
      }),
    ),
    salt,
  );
  const text = "root started Mac16,8 MacBook-Pro on a Mac mini, iMac or localhost ab _macagent";
  assert.equal(generic.text(text), text);
});

test("a property list stays one: names, numbers and data are replaced by their like", () => {
  const serial = Buffer.from("C02ZK8XYLVDQ\0\0").toString("base64");
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Serial</key><string>F8Y1234ABCDE</string>
<key>BatterySerialNumber</key><integer>123456789012</integer>
<key>owner</key><string>Zo&#235;&#x2019;s MacBook Pro &amp; more</string>
<key>device-tree</key><data>
  ${serial.slice(0, 8)}
  ${serial.slice(8)}
</data>
<key>serial-number</key><data>${Buffer.from("another one").toString("base64")}</data>
<key>elapsed_ns</key><integer>5</integer>
</dict></plist>`;
  const hidden = hide(text);
  const read = parsePlist(Buffer.from(hidden));
  assert.ok(read.ok, hidden);
  assert.match(hidden, /<integer>\d{12}<\/integer>/);
  assert.match(hidden, /&amp; more/);
  assert.match(hidden, /PropertyList-1\.0\.dtd/);
  assert.deepEqual(
    leaks(hidden, ["C02ZK8XYLVDQ", "F8Y1234ABCDE", "123456789012", "Zoë’s MacBook Pro", "another one"]),
    [],
  );
});

test("bytes that are no UTF-8 are kept but for what is hidden", () => {
  const bytes = Buffer.concat([
    Buffer.from([0xff, 0xfe, 0x80]),
    Buffer.from("zoë’s macbook pro C02ZK8XYLVDQ"),
    Buffer.from([0xe9]),
  ]);
  const hidden = redactor.bytes(bytes);
  assert.deepEqual([...hidden.subarray(0, 3), hidden.at(-1)], [0xff, 0xfe, 0x80, 0xe9]);
  assert.deepEqual(leaks(hidden.toString("latin1"), ["C02ZK8XYLVDQ", "Zoë’s MacBook Pro"]), []);
  const plain = Buffer.from([1, 2, 0xff, 3]);
  assert.equal(redactor.bytes(plain), plain);
});

test("UTF-16 is looked through", () => {
  const hidden = hide(Buffer.from("serial C02ZK8XYLVDQ of zoemueller", "utf16le").toString("latin1"));
  assert.deepEqual(leaks(hidden.replaceAll("\0", ""), ["C02ZK8XYLVDQ", "zoemueller"]), []);
});

test("whatever a name is made of, no spelling of it stays", () => {
  const letters = fc.constantFrom(
    ..."a b c d e f g h j k q r t v w x y z A B C D X Y Z 0 1 2 3 4 5 6 7 8 9 ä ö ü é ø ß ñ ç".split(" "),
  );
  const word = fc.string({ unit: letters, minLength: 5, maxLength: 12 });
  const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(name, fc.string(), (value, around) => {
      const one = createRedactor([{ kind: "host", value }], salt);
      for (const spelled of Object.values(spellings(value)))
        assert.deepEqual(leaks(one.text(`${around} ${spelled} ${around}`), [value]), [], spelled);
    }),
    { numRuns: 100 },
  );
});

test("hostile text takes little CPU", () => {
  for (const text of [
    "a.".repeat(50_000),
    "%41".repeat(50_000),
    "serial ".repeat(20_000),
    ":".repeat(100_000),
    "0".repeat(100_000),
    "-".repeat(100_000),
    "/Users/".repeat(20_000),
    "\\101".repeat(40_000),
    "<data>".repeat(20_000),
    "a@a.".repeat(25_000),
    " ".repeat(100_000),
    "serial:" + " ".repeat(100_000),
  ]) {
    const start = process.cpuUsage();
    hide(text);
    const ms = process.cpuUsage(start).user / 1000;
    assert.ok(ms < 5000, `${text.slice(0, 10)}: ${ms} ms of CPU`);
  }
});

test("of a host's full name the machine's part and the domain are hidden where they stand alone", async () => {
  const commands = { sysctl: ["/bin/sh", "-c", "echo zoe-laptop.corp.example.com"] };
  const found = await lookUpIdentities(
    {
      clock: systemClock,
      environment: {},
      isMac: false,
      users: [],
      prefix: "/nowhere",
      commands: commands as never,
    },
    new AbortController().signal,
  );
  const redacted = createRedactor(found, salt).text(
    "joined zoe-laptop to corp.example.com as zoe-laptop.local",
  );
  assert.match(redacted, /^joined host-\w{8} to host-\w{8} as host-\w{8}/);
  assert.doesNotMatch(redacted, /zoe|corp/);
});
