/** The list of dashboards and the text of their files. */
import { format, resolveConfig } from "prettier";
import { dashboard, type DashboardDescription } from "./dashboard.ts";
import { fleet } from "./fleet.ts";
import { health } from "./health.ts";
import { host } from "./host.ts";

const descriptions: readonly (readonly [file: string, DashboardDescription])[] = [
  ["fleet.json", fleet],
  ["host.json", host],
  ["agent.json", health],
];

/** Where they are kept. */
export const folder = new URL("../../config/grafana/", import.meta.url);

/** File name and content of each, laid out as prettier wants everything in the repository. */
export async function dashboards(): Promise<ReadonlyMap<string, string>> {
  const style = await resolveConfig(folder, { editorconfig: true });
  const files = descriptions.map(async ([name, description]) => {
    const text = JSON.stringify(dashboard(description));
    return [name, await format(text, { ...style, parser: "json" })] as const;
  });
  return new Map(await Promise.all(files));
}
