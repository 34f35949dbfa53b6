/** The routes of the page: the document, and its script, style sheet and icon. Everything is loaded at the first visit. */
import { createHash } from "node:crypto";
import type { StatusBoard } from "../../status/board.ts";
import { parseTimeRange } from "../../status/time-range.ts";
import { replyCompressed, type Route } from "../route.ts";
import type { PageAssets } from "./assets.ts";

type AssetName = keyof PageAssets;

interface Asset {
  readonly text: string;
  /** Changes with the content, and with it the address. */
  readonly version: string;
}

const kinds: Readonly<Record<AssetName, { readonly path: string; readonly type: string }>> = {
  script: { path: "/assets/page.js", type: "text/javascript; charset=utf-8" },
  style: { path: "/assets/page.css", type: "text/css; charset=utf-8" },
  icon: { path: "/assets/icon.svg", type: "image/svg+xml" },
};

/** Nothing but what this very server offers, and nothing inside the document. */
const policy = [
  "default-src 'none'",
  ...["script-src", "style-src", "img-src", "connect-src"].map((directive) => `${directive} 'self'`),
  "form-action 'self'",
  ...["base-uri", "frame-ancestors"].map((directive) => `${directive} 'none'`),
].join("; ");

export function pageRoutes(board: StatusBoard): readonly Route[] {
  let loading: Promise<Readonly<Record<AssetName, Asset>>> | undefined;
  const load = (): Promise<Readonly<Record<AssetName, Asset>>> => (loading ??= loadAssets());
  return [
    {
      path: "/",
      methods: ["GET"],
      async handle(exchange) {
        const { pageDocument } = await import("./document.ts");
        const assets = await load();
        const address = (name: AssetName): string => `${kinds[name].path}?v=${assets[name].version}`;
        const paths = { script: address("script"), style: address("style"), icon: address("icon") };
        const parsed = parseTimeRange(new URLSearchParams(exchange.query));
        const history = board.history(parsed.range);
        const body = pageDocument({ ...parsed, status: board.status(), history }, paths);
        replyCompressed(exchange, {
          status: 200,
          type: "text/html; charset=utf-8",
          body,
          headers: { "content-security-policy": policy },
        });
      },
    },
    ...assetNames.map((name): Route => ({
      path: kinds[name].path,
      methods: ["GET"],
      async handle(exchange) {
        const { text, version } = (await load())[name];
        const { type } = kinds[name];
        const headers = { "cache-control": caching(exchange.query, version) };
        replyCompressed(exchange, { status: 200, type, body: text, headers });
      },
    })),
  ];
}

const assetNames: readonly AssetName[] = ["script", "style", "icon"];

/** An address with the version of its content never has to be asked for again. */
function caching(query: string, version: string): string {
  return query === `v=${version}` ? "private, max-age=31536000, immutable" : "no-cache";
}

async function loadAssets(): Promise<Readonly<Record<AssetName, Asset>>> {
  const { buildAssets } = await import("./assets.ts");
  const { script, style, icon } = await buildAssets();
  return { script: asset(script), style: asset(style), icon: asset(icon) };
}

function asset(text: string): Asset {
  return { text, version: createHash("sha256").update(text).digest("base64url").slice(0, 12) };
}
