/**
 * Takes the pictures in config/screenshots: the page in light and dark, and `top`, all from the simulator with a day behind it.
 * `node scripts/screenshots.ts [folder]` takes two minutes, most of it to make up that day. `--all FOLDER` takes the page of four
 * machines instead, at three widths, in light and dark, of ten minutes and a day: to look at.
 */
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startAgent, type RunningAgent } from "../test/browser/agent.ts";
import { browserMissing, openContext } from "../test/browser/browser.ts";
import { openReceiver } from "../test/browser/receiver.ts";
import { fillWithPast } from "../test/browser/simulated-past.ts";
import { screenPage } from "../test/command/top/picture.ts";
import { openTestTerminal, tmuxMissing } from "../test/command/top/tmux.ts";

const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const isAll = process.argv[2] === "--all";
const folder =
  process.argv[isAll ? 3 : 2] ?? fileURLToPath(new URL("../config/screenshots/", import.meta.url));
/** Until each source has given two samples, and `top` shows them. */
const warmUpMs = 10_000;
const schemes = ["light", "dark"] as const;

for (const missing of [browserMissing, tmuxMissing])
  if (missing !== false) throw new Error(`cannot take pictures: ${missing}`);

await mkdir(folder, { recursive: true });
await using receiver = await openReceiver();
if (isAll) for (const chip of ["m4pro", "m4", "m3ultra", "intel"]) await takeAll(chip);
else await takeThose();

function startSimulated(chip: string, instance: string): Promise<RunningAgent> {
  const preset = `--chip ${chip}`;
  return startAgent(
    `global: { instance: ${instance} }\nremote_write:\n  - { url: "${receiver.url}", queue_config: { batch_send_deadline: 1s } }\n`,
    {
      prepare: (path) => fillWithPast(path, preset),
      environment: {
        MAC_POWERMETRICS_SIMULATE: preset,
        MAC_POWERMETRICS_SOURCES_POWERMETRICS_TASKS_ENABLED: "true",
        MAC_POWERMETRICS_WEB_ENERGY_PRICE_PER_KWH: "0.30",
        MAC_POWERMETRICS_WEB_ENERGY_PRICE_CURRENCY: "EUR",
      },
    },
  );
}

/** What README shows. */
async function takeThose(): Promise<void> {
  await using agent = await startSimulated("m4pro", "macbook");
  await using terminal = await openTestTerminal(110, 34, [process.execPath, cli, "top", "--url", agent.url]);
  await sleep(warmUpMs);
  for (const colorScheme of schemes) {
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
}

async function takeAll(chip: string): Promise<void> {
  await using agent = await startSimulated(chip, chip);
  await sleep(warmUpMs);
  for (const colorScheme of schemes)
    for (const width of [375, 768, 1440]) {
      await using opened = await openContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await opened.context.newPage();
      for (const range of ["10m", "1d"]) {
        await page.goto(`${agent.url}?range=${range}`);
        await page.locator("#connection", { hasText: "Live" }).waitFor();
        await page.locator("#chart-swap canvas").waitFor();
        await page.screenshot({
          path: `${folder}/${chip}-${width}-${colorScheme}-${range}.png`,
          fullPage: true,
        });
      }
    }
}
