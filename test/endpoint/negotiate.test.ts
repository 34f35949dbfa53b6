import assert from "node:assert/strict";
import test from "node:test";
import { acceptsGzip, negotiateFormat } from "../../src/endpoint/negotiate.ts";

const formats: readonly (readonly [case_: string, accept: string | undefined, format: string])[] = [
  ["no header", undefined, "prometheus"],
  ["an empty header", "", "prometheus"],
  ["curl", "*/*", "prometheus"],
  ["a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "prometheus"],
  [
    "Prometheus 2",
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "openmetrics",
  ],
  [
    "Prometheus 3",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "openmetrics",
  ],
  [
    "Prometheus asking for protobuf first",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "prometheus",
  ],
  ["Prometheus told to use text 0.0.4", "text/plain;version=0.0.4;q=0.5,*/*;q=0.4", "prometheus"],
  ["vmagent", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "prometheus"],
  ["only OpenMetrics", "application/openmetrics-text", "openmetrics"],
  ["only an older OpenMetrics", "application/openmetrics-text;version=0.0.1", "prometheus"],
  ["OpenMetrics refused", "application/openmetrics-text;q=0,*/*;q=0.1", "prometheus"],
  ["text refused", "text/plain;q=0, */*;q=0.5", "openmetrics"],
  [
    "a version refused, the type wanted",
    "application/openmetrics-text;version=1.0.0;q=0,application/openmetrics-text",
    "prometheus",
  ],
  ["equal wishes", "application/openmetrics-text;q=0.5,text/plain;q=0.5", "prometheus"],
  [
    "capitals and blanks",
    'Application/OpenMetrics-Text ; Version = "1.0.0" ; Q=0.9 , text/plain;q=0.1',
    "openmetrics",
  ],
  ["a whole type", "application/*,text/plain;q=0.9", "openmetrics"],
  ["nothing we have", "image/png", "prometheus"],
  ["a quality that is none", "application/openmetrics-text;q=high,text/plain;q=0.9", "openmetrics"],
];

for (const [name, accept, format] of formats) {
  test(`the format for ${name} is ${format}`, () => assert.equal(negotiateFormat(accept), format));
}

const encodings: readonly (readonly [accept: string | undefined, gzip: boolean])[] = [
  [undefined, false],
  ["", false],
  ["gzip", true],
  ["GZIP", true],
  ["x-gzip", true],
  ["gzip, deflate, br, zstd", true],
  ["gzip;q=0", false],
  ["gzip;q=0.000", false],
  ["*;q=0", false],
  ["*", true],
  ["br", false],
  ["identity;q=1, gzip;q=0.5", false],
  ["identity;q=0.5, gzip", true],
  ["gzip;q=0, *", false],
  ["deflate, gzip;q=1.0, *;q=0.5", true],
];

for (const [accept, gzip] of encodings) {
  test(`Accept-Encoding ${JSON.stringify(accept)} is answered ${gzip ? "with gzip" : "plain"}`, () =>
    assert.equal(acceptsGzip(accept), gzip));
}

test("a header of thousands of ranges costs no more than its first ones", () => {
  assert.equal(negotiateFormat(`${"a/b,".repeat(2000)}application/openmetrics-text`), "prometheus");
});
