import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { rawReceiver } from "./receivers.ts";
import { client, post } from "./sending.ts";

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.0 503 No\r\n",
      "Content-Length: 5\r\n",
    ],
    ...[
      "Transfer-Encoding: chunked\r\n",
      "Connection: close\r\n",
      "\r\n",
      "5\r\nhello\r\n",
      "0\r\n\r\n",
      "hello",
    ],
  ),
  fc.string(),
);

test("whatever bytes come back, and however the connection ends, the reply is a value", async (t) => {
  let answer = "";
  let reset = false;
  const receiver = await rawReceiver(t, (socket) => {
    socket.write(answer, "latin1", () => (reset ? socket.resetAndDestroy() : socket.end()));
  });
  const http = client(t);
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.boolean(), async (pieces, resets) => {
      answer = pieces.join("");
      reset = resets;
      const reply = await http.send(post(receiver.url));
      if (reply.kind === "response") assert.ok(reply.status >= 200);
      else assert.match(reply.reason, /^(cannot|unexpected) [^\n]+[^.\n]$/);
    }),
    { numRuns: 200 },
  );
});
