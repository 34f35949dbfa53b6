/** The headless browser of tests: Debian's Chromium with a profile of its own, or the reason why there is none. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { disposableFolder } from "../support/folder.ts";
import { patienceMs } from "../support/until.ts";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Why tests in a browser can't run here; false when they can. */
export const browserMissing: string | false = existsSync(executablePath)
  ? false
  : `${executablePath} is not there: install chromium, or name it in CHROMIUM`;

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** It speaks to nobody but the pages it is sent to. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface OpenedContext extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** A browser with one profile in a temporary folder. */
export async function openContext(options: BrowserContextOptions = {}): Promise<OpenedContext> {
  const profile = disposableFolder();
  const context = await chromium.launchPersistentContext(profile.path, {
    executablePath,
    args: flags,
    headless: true,
    ...options,
  });
  context.setDefaultTimeout(patienceMs);
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      profile[Symbol.dispose]();
    },
  };
}

export interface Watched {
  readonly page: Page;
  /** Errors on the console, and exceptions. */
  readonly errors: string[];
  /** Every address that was asked for. */
  readonly requests: string[];
}

export async function openPage(context: BrowserContext): Promise<Watched> {
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => void errors.push(error.message));
  page.on("request", (request) => void requests.push(request.url()));
  return { page, errors, requests };
}

/** What axe objects to, each with the elements. */
export async function violations(page: Page): Promise<readonly string[]> {
  // The page's policy keeps foreign scripts out; the protocol may still evaluate one.
  await page.evaluate(readFileSync(axePath, "utf8"));
  const found = await page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + " " + nodes.map(({ html }) => html).join(" ")))`,
  );
  return found as readonly string[];
}
