/** The variables that choose what a dashboard shows: data source, job, instance, and what energy costs and emits. */
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

/** What a kilowatt-hour costs, in a currency of the reader's choice, and the grams of CO2 that it emits; both are asked of nobody. */
export function constants(): VariableModel[] {
  return [
    constant("price", "Price per kWh", "What a kilowatt-hour costs, a number with a point", "0.30"),
    constant("carbon", "Grams of CO₂ per kWh", "What your electricity emits for a kilowatt-hour", "400"),
  ];
}

function constant(name: string, label: string, description: string, value: string): VariableModel {
  return new TextBoxVariableBuilder(name)
    .label(label)
    .description(description)
    .defaultValue(value)
    .current({ text: value, value, selected: true })
    .build();
}
