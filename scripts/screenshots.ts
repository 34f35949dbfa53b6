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
import type { Status } from "../src/status/status.ts";
import { screenPage } from "../test/command/top/picture.ts";
import { openTestTerminal, tmuxMissing } from "../test/command/top/tmux.ts";

const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const isAll = process.argv[2] === "--all";
const folder =
  process.argv[isAll ? 3 : 2] ?? fileURLToPath(new URL("../config/screenshots/", import.meta.url));
const patienceMs = 180_000;
const schemes = ["light", "dark"] as const;

for (const missing of [browserMissing, tmuxMissing])
  if (missing !== false) throw new Error(`cannot take pictures: ${missing}`);

await mkdir(folder, { recursive: true });
await using receiver = await openReceiver();
if (isAll) for (const chip of ["m4pro", "m4", "m3ultra", "intel"]) await takeAll(chip);
else await takeThose();

async function startSimulated(chip: string, instance: string): Promise<RunningAgent> {
  const preset = `--chip ${chip}`;
  const agent = await startAgent(
    `global: { instance: ${instance} }\nremote_write:\n  - { url: "${receiver.url}", queue_config: { batch_send_deadline: 1s } }\n`,
    {
      prepare: (path) => fillWithPast(path, preset),
      environment: {
        MAC_POWERMETRICS_SIMULATE: preset,
        MAC_POWERMETRICS_SOURCES_POWERMETRICS_TASKS_ENABLED: "true",
        ...Object.fromEntries(
          ["SYSCTL", "PMSET", "IOREG"].map((tool) => [`MAC_POWERMETRICS_SOURCES_${tool}_INTERVAL`, "15s"]),
        ),
        MAC_POWERMETRICS_WEB_ENERGY_PRICE_PER_KWH: "0.30",
        MAC_POWERMETRICS_WEB_ENERGY_PRICE_CURRENCY: "EUR",
      },
    },
  );
  await allWell(agent);
  return agent;
}

/** On a busy machine a simulated tool may take too long at first. */
async function allWell({ url }: RunningAgent): Promise<void> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 1000) {
    const answer = await fetch(`${url}api/v1/status`);
    const { overall, sources } = (await answer.json()) as Status;
    const haveSamples = sources.every(({ lastSample }) => lastSample !== undefined);
    if (overall.level === "ok" && haveSamples) return;
    await sleep(1000);
  }
  throw new Error(`the agent at ${url} must be well after ${patienceMs / 1000} s`);
}

/** What README shows. */
async function takeThose(): Promise<void> {
  await using agent = await startSimulated("m4pro", "macbook");
  for (const colorScheme of schemes) {
    await using opened = await openContext({ colorScheme, viewport: { width: 1280, height: 960 } });
    const page = await opened.context.newPage();
    await page.goto(`${agent.url}?range=1d`);
    await page.locator("#connection", { hasText: "Live" }).waitFor();
    await page.locator("#chart-swap canvas").waitFor();
    await page.locator("#overall", { hasText: "All well" }).waitFor();
    await page.screenshot({ path: `${folder}/page-${colorScheme}.png` });
  }
  await using terminal = await openTestTerminal(110, 34, [process.execPath, cli, "top", "--url", agent.url]);
  while (!(await terminal.screen()).some((line) => line.includes("All well"))) await sleep(1000);
  await using opened = await openContext({ viewport: { width: 920, height: 640 } });
  const page = await opened.context.newPage();
  await page.setContent(screenPage((await terminal.screen(true)).join("\n")));
  await page.locator("pre").screenshot({ path: `${folder}/top.png` });
}

async function takeAll(chip: string): Promise<void> {
  await using agent = await startSimulated(chip, chip);
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
