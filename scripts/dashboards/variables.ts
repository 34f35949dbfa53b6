/** The variables that choose what a dashboard shows: data source, job, instance, and the price of energy. */
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";

export const source = { type: "prometheus", uid: "${datasource}" };

const everything = { text: ["All"], value: ["$__all"], selected: true };

/** One machine at a time, or several of them. */
export function variables(choice: "one" | "several"): VariableModel[] {
  const instance = new QueryVariableBuilder("instance")
    .label("Mac")
    .description("The machine, as the agent's instance label names it")
    .datasource(source)
    .query({ query: 'label_values(mac_agent_build_info{job=~"$job"}, instance)', refId: "instance" })
    .definition('label_values(mac_agent_build_info{job=~"$job"}, instance)')
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc);
  return [
    new DatasourceVariableBuilder("datasource")
      .label("Data source")
      .description("A Prometheus, Mimir or VictoriaMetrics that the agents' metrics are in")
      .type("prometheus")
      .build(),
    new QueryVariableBuilder("job")
      .label("Job")
      .description("Choose one where the same Mac is pushed and scraped, or it counts twice")
      .datasource(source)
      .query({ query: "label_values(mac_agent_build_info, job)", refId: "job" })
      .definition("label_values(mac_agent_build_info, job)")
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.NaturalAsc)
      .multi(true)
      .includeAll(true)
      .allValue(".+")
      .current(everything)
      .build(),
    choice === "one"
      ? instance.build()
      : instance.multi(true).includeAll(true).allValue(".+").current(everything).build(),
  ];
}

/** Money per kilowatt-hour, in a currency of the reader's choice. */
export function price(): VariableModel {
  return new TextBoxVariableBuilder("price")
    .label("Price per kWh")
    .description("What a kilowatt-hour costs, a number with a point")
    .defaultValue("0.30")
    .current({ text: "0.30", value: "0.30", selected: true })
    .build();
}
