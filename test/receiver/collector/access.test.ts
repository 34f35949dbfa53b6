/** A Collector that asks who is there: client certificates, bearer tokens and passwords. */
import assert from "node:assert/strict";
import test from "node:test";
import { noOpenssl, selfSigned } from "../../runtime/http/receivers.ts";
import { temporaryFolder } from "../../cli/agent.ts";
import { startCapture } from "./captured.ts";
import { skip, startCollector } from "./collector.ts";
import { startPushing } from "./pushing.ts";
import { createStory } from "./story.ts";

const cases = [
  {
    name: "a bearer token",
    auth: { bearer: "right-token" },
    right: { authorization: { credentials: "right-token" } },
    wrong: { authorization: { credentials: "wrong-token" } },
  },
  {
    name: "a password",
    auth: { username: "mac", password: "right-password" },
    right: { basic_auth: { username: "mac", password: "right-password" } },
    wrong: { basic_auth: { username: "mac", password: "wrong-password" } },
  },
];

for (const { name, auth, right, wrong } of cases)
  test(
    `a Collector that wants ${name} gets everything with the right one, and with a wrong one nothing is lost`,
    { skip },
    async (t) => {
      const capture = await startCapture(t);
      const collector = await startCollector(t, capture.url, {
        extensions: { fixedauth: auth },
        http: { auth: { authenticator: "fixedauth" } },
      });
      const endpoint = `http://${collector.address}`;
      const it = await startPushing(t, { endpoint, ...wrong });
      it.publish(...createStory().next(3));
      await it.until(({ status }) => status === "refused");
      assert.equal(it.state().lastFailure?.code, "401");
      assert.deepEqual([it.state().dropped, capture.points.length], [{}, 0]);
      await it.restart(0, { endpoint, ...right });
      await it.drained();
      assert.deepEqual(it.state().dropped, {});
      assert.equal(new Set(capture.points.map(({ time }) => time)).size, 3);
      assert.doesNotMatch(it.told(), /(?:right|wrong)-(?:token|password)/);
    },
  );

test(
  "a Collector that wants a client certificate gets everything with it, and without it nothing is lost",
  { skip: skip || noOpenssl },
  async (t) => {
    const folder = temporaryFolder(t);
    const server = selfSigned(folder, "collector", "IP:127.0.0.1");
    const client = selfSigned(folder, "mac", "DNS:mac.test");
    const capture = await startCapture(t);
    const tls = { cert_file: server.certFile, key_file: server.keyFile, client_ca_file: client.certFile };
    const collector = await startCollector(t, capture.url, { http: { tls } });
    const endpoint = `https://${collector.address}`;
    const ca_file = server.certFile;
    const it = await startPushing(t, { endpoint, tls_config: { ca_file } });
    it.publish(...createStory().next(3));
    await it.until(({ failedRequests }) => failedRequests > 0);
    assert.equal(it.state().lastFailure?.code, "tls");
    assert.match(it.told(), /a client certificate is required; set tls_config\.cert_file/);
    const tls_config = { ca_file, cert_file: client.certFile, key_file: client.keyFile };
    await it.restart(0, { endpoint, tls_config });
    await it.drained();
    assert.deepEqual(it.state().dropped, {});
    assert.equal(new Set(capture.points.map(({ time }) => time)).size, 3);
  },
);
