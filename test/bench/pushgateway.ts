/** Pushes to a Pushgateway under measurement what a cron job with curl would send. */
import { request } from "node:http";

export function pushOnce(origin: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const put = request(`${origin}/metrics/job/bench`, { method: "PUT" }, (answer) => {
      answer.resume().on("end", () => {
        if (answer.statusCode === 200 || answer.statusCode === 202) resolve();
        else
          reject(new Error(`unexpected answer of Pushgateway: got ${answer.statusCode ?? "none"}, want 200`));
      });
    });
    put.on("error", reject).end(text);
  });
}
