/**
 * Takes the pictures in config/screenshots: the page in light and dark, and `top`, all from the simulator.
 * `node scripts/screenshots.ts [folder]` takes a minute and a half, most of it to let the charts fill.
 */
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startAgent } from "../test/browser/agent.ts";
import { browserMissing, openContext } from "../test/browser/browser.ts";
import { openReceiver } from "../test/browser/receiver.ts";
import { screenPage } from "../test/command/top/picture.ts";
import { openTestTerminal, tmuxMissing } from "../test/command/top/tmux.ts";

const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const folder = process.argv[2] ?? fileURLToPath(new URL("../config/screenshots/", import.meta.url));
/** Energy today needs two readings of the gauge, which come every 30 to 60 s. */
const warmUpMs = 80_000;

for (const missing of [browserMissing, tmuxMissing])
  if (missing !== false) throw new Error(`cannot take pictures: ${missing}`);

await mkdir(folder, { recursive: true });
await using receiver = await openReceiver();
await using agent = await startAgent(
  `global: { instance: macbook }\nremote_write:\n  - { url: "${receiver.url}", queue_config: { batch_send_deadline: 1s } }\n`,
);
await using terminal = await openTestTerminal(110, 34, [process.execPath, cli, "top", "--url", agent.url]);
await sleep(warmUpMs);

for (const colorScheme of ["light", "dark"] as const) {
  await using opened = await openContext({ colorScheme, viewport: { width: 1280, height: 960 } });
  const page = await opened.context.newPage();
  await page.goto(agent.url);
  await page.locator("#connection", { hasText: "Live" }).waitFor();
  await page.locator("#chart-swap canvas").waitFor();
  await page.screenshot({ path: `${folder}/page-${colorScheme}.png` });
}
await using opened = await openContext({ viewport: { width: 920, height: 640 } });
const page = await opened.context.newPage();
await page.setContent(screenPage((await terminal.screen(true)).join("\n")));
await page.locator("pre").screenshot({ path: `${folder}/top.png` });
