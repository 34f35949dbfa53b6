/** The whole catalogue: the collectors' metrics and the agent's own. */
import { sampleMetrics } from "../collector/index.ts";
import { buildCatalogue, type Catalogue } from "../metric/catalogue.ts";
import { ownMetrics } from "./own-metrics.ts";

export const catalogue: Catalogue = buildCatalogue([...sampleMetrics, ...Object.values(ownMetrics)]);
