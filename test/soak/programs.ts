/** Programs that come and go in a soak, so that series do: the simulator's own are the same all day. */

/** Documents for which a program goes by one name; the one before is forgotten by then (src/collector/tasks.ts). */
const lifetime = 50;
const usual = 9;

/** Of a document of powermetrics: the busiest program is another one every so often, mostly one that was there before. */
export function withPrograms(document: string, number: number): string {
  const change = Math.floor(number / lifetime);
  const isNew = change % (usual + 1) === usual;
  const name = `kernel_task ${isNew ? change : change % (usual + 1)}`;
  return document.replace("<string>kernel_task</string>", `<string>${name}</string>`);
}
