/** Credentials in addresses are masked wherever they stand, in one pass. */
import assert from "node:assert/strict";
import test from "node:test";
import { maskUrls } from "../../src/runtime/redact.ts";

test("passwords, tokens and the credentials of a query are masked, the rest stays", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["http://u:p@a/b", "http://u:***@a/b"],
    ["http://token@a", "http://***@a"],
    ["http://u:p@ss@a", "http://u:***@a"],
    ["see http://a/?token=abc&x=1 now", "see http://a/?token=***&x=1 now"],
    ["/w?x=1&api_key=abc", "/w?x=1&api_key=***"],
    ["/w?u=me&p=abc&db=x", "/w?u=me&p=***&db=x"],
    ["http://a?X-Amz-Signature=ab%2Fc#d", "http://a?X-Amz-Signature=***#d"],
    ["http://u:p@a http://v:q@b", "http://u:***@a http://v:***@b"],
    ["http://a/b?page=1", "http://a/b?page=1"],
    ["a://b", "a://b"],
    ["://", "://"],
  ];
  for (const [text, wanted] of cases) assert.equal(maskUrls(text), wanted);
});
