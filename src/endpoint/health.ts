/** The pages that supervisors ask: alive, ready, and reload. */
import { replyText, type Route } from "./route.ts";

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** 200 for as long as the process answers at all. */
export const healthyRoute: Route = {
  path: "/-/healthy",
  methods: ["GET"],
  handle: ({ response }) => replyText(response, 200, "healthy"),
};

/** 200 when samples flow, else 503 with the reason on one line. */
export function readyRoute(readiness: () => Readiness): Route {
  return {
    path: "/-/ready",
    methods: ["GET"],
    handle({ response }) {
      const now = readiness();
      if (now.ready) replyText(response, 200, "ready");
      else replyText(response, 503, `not ready: ${now.reason.replaceAll(/\s+/g, " ")}`);
    },
  };
}

/** Reloads the configuration; `reload` gives the reason when the new one was refused, on one or more lines. */
export function reloadRoute(reload: () => Promise<string | undefined>): Route {
  return {
    path: "/-/reload",
    methods: ["POST"],
    async handle({ response }) {
      const refused = await reload();
      if (refused === undefined) replyText(response, 200, "reloaded");
      else replyText(response, 500, refused);
    },
  };
}
