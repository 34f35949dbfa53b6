/** The schema of one `pushgateway` block of the configuration. */
import * as z from "zod";
import { type Frozen, durationSetting } from "../../runtime/setting.ts";
import { checkHttp, httpFields, receiverUrl } from "../../runtime/http/schema.ts";

const shortestIntervalMs = 1000;

const pushgatewayShape = () =>
  z.strictObject({
    url: receiverUrl()
      .refine((text) => !/\/metrics\/?$|\/metrics\/job(?:@base64)?\//.test(URL.parse(text)?.pathname ?? ""), {
        error:
          "must be the base address: /metrics/job/… is appended, its labels come from job and grouping_key",
      })
      .describe("Base address of the Pushgateway, for example http://pushgateway.example:9091"),
    name: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Name in logs and metrics, unique among the blocks of this section"),
    job: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Job of the group; that of global by default")
      .meta({ examples: ["mac-powermetrics"] }),
    grouping_key: z
      .record(
        z.string().regex(/^(?!__|job$)[A-Za-z_][A-Za-z0-9_]*$/, {
          error: "must be a label name other than job, without two underscores in front",
        }),
        z.string(),
      )
      .default({})
      .describe(
        "Labels that name the group besides job and instance; an instance here replaces that of global",
      )
      .meta({ examples: [{ site: "office" }] }),
    interval: durationSetting()
      .refine((ms) => ms >= shortestIntervalMs, { error: "must be at least 1s" })
      .prefault("15s")
      .describe("Time between two pushes of the latest samples"),
    delete_on_shutdown: z
      .boolean()
      .default(true)
      .describe("Delete the group on an orderly stop, so that a stopped Mac does not look alive for ever"),
    timeout: durationSetting()
      .prefault("10s")
      .describe("Time limit for one request, from connecting to the last byte"),
    ...httpFields(),
  });

/** Built only when such a block is configured. */
export const pushgatewaySchema = z.lazy(() => pushgatewayShape().superRefine(checkHttp));

export type PushgatewaySettings = Frozen<z.output<typeof pushgatewaySchema>>;

/** Keys that a reader of Prometheus' or the Pushgateway's documents may expect: "not supported" instead of "unknown". */
export const unsupportedKeys: readonly string[] = [
  "bearer_token",
  "bearer_token_file",
  "honor_labels",
  "instance",
];
