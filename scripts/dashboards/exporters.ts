/** Metrics of other exporters that panels and rules name, with their labels, as these document them. */
export const exporterMetrics: Readonly<Record<string, readonly string[]>> = {
  "llamacpp:prompt_tokens_total": [],
  "llamacpp:tokens_predicted_total": [],
  "llamacpp:requests_processing": [],
  "llamacpp:requests_deferred": [],
  macmon_cpu_temp_celsius: ["chip"],
  macmon_gpu_temp_celsius: ["chip"],
  macmon_fan_speed_rpm: ["chip", "fan"],
  mactop_soc_temp_celsius: [],
  mactop_gpu_temp_celsius: [],
  mactop_fan_rpm: ["fan_id", "fan_name"],
  smartctl_device_temperature: ["device", "temperature_type"],
  smartctl_device_percentage_used: ["device"],
};

/** Their series have a job of their own, so that only the Mac is chosen: `instance` is to be the agent's, as in config/examples/scrape.yaml. */
export function ofExporter(name: string): string {
  if (exporterMetrics[name] === undefined) throw new Error(`unexpected metric of an exporter: got ${name}`);
  return `${name}{instance=~"$instance"}`;
}
