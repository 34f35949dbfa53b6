/** Reads what a receiver reports of itself on /metrics: samples stored, CPU, memory, as VictoriaMetrics and Prometheus name them. */

/** Each absent when the receiver does not tell. */
export interface Vitals {
  readonly program?: string;
  /** Samples taken since it started. */
  readonly stored?: number;
  readonly cpuSeconds?: number;
  readonly rssBytes?: number;
}

export function vitalsIn(exposition: string): Vitals {
  const program = programIn(exposition);
  const stored = storedIn(exposition);
  const cpuSeconds = sumOf(exposition, /^process_cpu_seconds_total (\S+)/gm);
  const rssBytes = sumOf(exposition, /^process_resident_memory_bytes (\S+)/gm);
  return {
    ...(program !== undefined && { program }),
    ...(stored !== undefined && { stored }),
    ...(cpuSeconds !== undefined && { cpuSeconds }),
    ...(rssBytes !== undefined && { rssBytes }),
  };
}

function programIn(exposition: string): string | undefined {
  const prometheus = /^prometheus_build_info\{.*?\bversion="([^"]*)"/m.exec(exposition)?.[1];
  if (prometheus !== undefined) return `Prometheus ${prometheus}`;
  const victoria = /^vm_app_version\{.*?\bshort_version="([^"]*)"/m.exec(exposition)?.[1];
  return victoria === undefined ? undefined : `VictoriaMetrics ${victoria}`.trim();
}

function storedIn(exposition: string): number | undefined {
  const rows = sumOf(exposition, /^vm_rows_inserted_total\{(?:.*,)?type="promremotewrite"\} (\S+)/gm);
  if (rows !== undefined) return rows;
  const appended = sumOf(
    exposition,
    /^prometheus_tsdb_head_samples_appended_total(?:\{type="float"\})? (\S+)/gm,
  );
  // A Prometheus that has stored nothing yet does not mention it.
  return appended ?? (exposition.includes("prometheus_build_info{") ? 0 : undefined);
}

/** Several lines may hold it, one for each tenant. */
function sumOf(exposition: string, line: RegExp): number | undefined {
  const values = [...exposition.matchAll(line)].map(([, value]) => Number(value));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}
