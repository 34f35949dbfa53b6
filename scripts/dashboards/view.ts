/** Draws panels: one function a kind of view, each with a unit; what they show is in fleet.ts, host.ts and health.ts. */
import { PanelBuilder as BarGaugeBuilder } from "@grafana/grafana-foundation-sdk/bargauge";
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  GraphGradientMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Panel,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as StatusHistoryBuilder } from "@grafana/grafana-foundation-sdk/statushistory";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** Values from which on a colour holds; the first has no lower bound. */
export type Steps = readonly (readonly [from: number | null, color: string])[];
/** A value's text and colour. */
export type Meanings = Readonly<Record<string, readonly [text: string, color: string]>>;

interface Scale {
  readonly min?: number;
  readonly max?: number;
}

export function lines(unit: string, scale: Scale = {}): Panel {
  return scaled(timeSeries(unit).lineWidth(1).fillOpacity(8), scale).build();
}

/** Parts of a whole, one on top of the other. */
export function stacked(unit: string, scale: Scale = { min: 0 }): Panel {
  const stacking = new StackingConfigBuilder().group("A").mode(StackingMode.Normal);
  return scaled(timeSeries(unit).lineWidth(1).fillOpacity(55).stacking(stacking), scale).build();
}

/** Amounts per hour, stacked; the last day whatever the dashboard's range, since an hour is a pixel in a month. */
export function hourly(unit: string): Panel {
  return timeSeries(unit)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(75)
    .gradientMode(GraphGradientMode.None)
    .stacking(new StackingConfigBuilder().group("A").mode(StackingMode.Normal))
    .min(0)
    .interval("1h")
    .timeFrom("24h")
    .build();
}

function timeSeries(unit: string): TimeSeriesBuilder {
  return new TimeSeriesBuilder()
    .unit(unit)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

function scaled(builder: TimeSeriesBuilder, { min, max }: Scale): TimeSeriesBuilder {
  if (min !== undefined) builder.min(min);
  if (max !== undefined) builder.max(max);
  return builder;
}

interface StatLook {
  readonly steps?: Steps;
  readonly meanings?: Meanings;
  readonly decimals?: number;
  /** What to say without a value. */
  readonly absent?: string;
  /** Show series' names instead of their values. */
  readonly names?: boolean;
}

export function stat(unit: string, look: StatLook = {}): Panel {
  const builder = new StatBuilder()
    .unit(unit)
    .graphMode(BigValueGraphMode.None)
    .colorMode(
      look.steps === undefined && look.meanings === undefined
        ? BigValueColorMode.None
        : BigValueColorMode.Value,
    )
    .textMode(look.names === true ? BigValueTextMode.Name : BigValueTextMode.Auto)
    .reduceOptions(lastValue())
    .thresholds(thresholds(look.steps ?? [[null, "text"]]))
    .noValue(look.absent ?? "absent");
  if (look.decimals !== undefined) builder.decimals(look.decimals);
  if (look.meanings !== undefined) builder.mappings(mappings(look.meanings));
  return builder.build();
}

/**
 * A ranking: one bar a series.
 * @param absent what to say without a series
 */
export function ranking(unit: string, absent = "none"): Panel {
  return new BarGaugeBuilder()
    .unit(unit)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(lastValue())
    .thresholds(thresholds([[null, "blue"]]))
    .min(0)
    .noValue(absent)
    .build();
}

/** What state each series was in, over time. */
export function timeline(unit: string, meanings: Meanings): Panel {
  return new StateTimelineBuilder()
    .unit(unit)
    .mappings(mappings(meanings))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds([[null, "gray"]]))
    .mergeValues(true)
    .showValue(VisibilityMode.Never)
    .fillOpacity(80)
    .lineWidth(0)
    .legend(hiddenLegend())
    .build();
}

/** A heat map: one row a series, a colour a value between 0 and 100. */
export function heatMap(unit: string): Panel {
  return new StatusHistoryBuilder()
    .unit(unit)
    .min(0)
    .max(100)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.ContinuousGrYlRd))
    .showValue(VisibilityMode.Never)
    .rowHeight(0.95)
    .colWidth(1)
    .lineWidth(0)
    .fillOpacity(90)
    .maxDataPoints(120)
    .legend(hiddenLegend())
    .build();
}

function hiddenLegend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(false)
    .calcs([]);
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);
}

export function thresholds(steps: Steps): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

export function mappings(meanings: Meanings): ValueMapping[] {
  const options = Object.entries(meanings).map(
    ([value, [text, color]], index) => [value, { text, color, index }] as const,
  );
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(options) }];
}
