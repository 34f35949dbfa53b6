/** A password file that root replaces while the agent is another account: readable to it, to root only, and again. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { shortIntervals, startAgent, temporaryFolder, until } from "./agent.ts";

const skip =
  process.getuid?.() === 0 && process.platform === "linux"
    ? false
    : "only root on Linux can give up root and rotate a file of its own";
const group = Number(spawnSync("/usr/bin/id", ["-g", "nobody"], { encoding: "utf8" }).stdout);

test(
  "a secret that root rotates is used when the account may read it; one that it may not read leaves the last in use, with one warning",
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    const used: string[] = [];
    const receiver = createServer((request, response) => {
      const token = Buffer.from(request.headers.authorization?.slice("Basic ".length) ?? "", "base64");
      used.push(token.toString());
      request.resume().on("end", () => response.writeHead(204).end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    t.after(() => receiver.close());
    t.after(() => receiver.closeAllConnections());
    const password = join(folder, "password");
    const rotate = (value: string, mode: number): void => {
      writeFileSync(`${password}.new`, value, { mode: 0o600 });
      chownSync(`${password}.new`, 0, group);
      chmodSync(`${password}.new`, mode);
      renameSync(`${password}.new`, password);
    };
    const never = (): string => `got ${[...new Set(used)].join(", ")}`;
    const isUsed = (value: string): Promise<unknown> =>
      until(() => (used.at(-1) === `macs:${value}` ? true : undefined), never);

    rotate("first-password", 0o640);
    const agent = await startAgent(t, {
      configuration: `${shortIntervals}
run_as: nobody
journal: { path: ${join(folder, "state", "journal.db")}, commit_interval: 100ms }
remote_write:
  - url: http://127.0.0.1:${(receiver.address() as AddressInfo).port}/
    basic_auth: { username: macs, password_file: ${password} }
    queue_config: { batch_send_deadline: 100ms }
`,
    });
    await agent.logged(({ msg }) => msg === "gave up root");
    await isUsed("first-password");
    rotate("second-password", 0o640);
    await isUsed("second-password");
    rotate("third-password", 0o600);
    const kept = await agent.logged((line) => line.msg.includes("stays in use"));
    assert.match(
      kept.msg,
      /^cannot read .*password: permission denied; what it held before stays in use; run sudo chown root:_macagent /,
    );
    const before = used.length;
    await until(() => (used.length > before + 3 ? true : undefined), never);
    assert.deepEqual([...new Set(used.slice(before))], ["macs:second-password"]);
    assert.equal(agent.log().filter((line) => line.msg.includes("stays in use")).length, 1);
    rotate("fourth-password", 0o640);
    await isUsed("fourth-password");
  },
);
