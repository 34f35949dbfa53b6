/** Behaviours of requests as HTTP sees them. */
import assert from "node:assert/strict";
import { uncompress } from "snappyjs";
import type { Behaviour, Exchange } from "./behaviour.ts";
import { version1, version2 } from "./message.ts";
import { path } from "./recorder.ts";

/** What the framed format of snappy begins with. */
const frameHeader = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);

function each(requests: Exchange["two"], header: string, wanted: string | RegExp): void {
  for (const { headers } of requests) {
    const value = String(headers[header]);
    if (typeof wanted === "string") assert.equal(value, wanted);
    else assert.match(value, wanted);
  }
}

export const protocol: readonly Behaviour<Exchange>[] = [
  {
    section: "Protocol",
    level: "MUST",
    name: "every request is a POST to the configured path",
    cases: ["protocol: TestHTTPMethod"],
    judge({ two, one }) {
      for (const request of [...two, ...one]) {
        assert.equal(request.method, "POST");
        assert.equal(request.path, path);
      }
    },
  },
  {
    section: "Protocol",
    level: "MUST",
    name: "a body is compressed in snappy's block format, never in the framed one",
    cases: ["protocol: snappy_block_format"],
    judge({ two, one }) {
      for (const { body } of [...two, ...one]) {
        assert.ok(!body.subarray(0, frameHeader.length).equals(frameHeader));
        assert.ok(uncompress(body).length > 0);
      }
    },
  },
  {
    section: "Protocol",
    level: "MUST",
    name: "a body is a message of the schema that its content type names, and has no fields beyond it",
    cases: ["protocol: protobuf_parseable"],
    judge({ two, one }) {
      // What cannot be decoded has already failed, in the recorder.
      assert.ok(two.every(({ message }) => message.name === version2));
      assert.ok(one.every(({ message }) => message.name === version1));
    },
  },
  {
    section: "Content-Encoding",
    level: "MUST",
    name: "the content encoding is snappy",
    cases: ["protocol: content_encoding_snappy"],
    judge({ two, one }) {
      each([...two, ...one], "content-encoding", "snappy");
    },
  },
  {
    section: "Content-Type",
    level: "MUST",
    name: "the content type is that of version 2 with the message's name",
    cases: [
      "protocol: content_type_protobuf",
      "protocol: content_type_with_proto_param",
      "response: TestContentTypeNegotiation",
    ],
    judge({ two }) {
      each(two, "content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    },
  },
  {
    section: "Content-Type",
    level: "SHOULD",
    name: "to a receiver of version 1 the content type is bare",
    cases: ["rw1_compat: rw1_content_type"],
    judge({ one }) {
      each(one, "content-type", "application/x-protobuf");
    },
  },
  {
    section: "X-Prometheus-Remote-Write-Version",
    level: "SHOULD",
    name: "the version is 2.0.0",
    cases: ["protocol: version_header_present", "protocol: version_header_value"],
    judge({ two }) {
      each(two, "x-prometheus-remote-write-version", "2.0.0");
    },
  },
  {
    section: "X-Prometheus-Remote-Write-Version",
    level: "MUST",
    name: "to a receiver of version 1 the version is 0.1.0",
    cases: ["rw1_compat: rw1_version_header"],
    judge({ one }) {
      each(one, "x-prometheus-remote-write-version", "0.1.0");
    },
  },
  {
    section: "User-Agent",
    level: "MUST",
    name: "the user agent is the agent's name and version",
    cases: ["protocol: user_agent_present"],
    judge({ two, one }) {
      each([...two, ...one], "user-agent", /^mac-powermetrics-agent\/\d+\.\d+\.\d+$/);
    },
  },
];
