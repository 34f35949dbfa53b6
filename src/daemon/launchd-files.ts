/** Owns the list of generated files in launchd/, for those who install by hand or by device management. */
import { defaultAccount } from "./account.ts";
import { label, layoutUnder } from "./layout.ts";
import { launchdPlist } from "./launchd-plist.ts";
import { mobileconfig } from "./mobileconfig.ts";
import { newsyslogConf } from "./newsyslog.ts";

/** Name and text of each. */
export function launchdFiles(): readonly (readonly [name: string, text: string])[] {
  const layout = layoutUnder();
  return [
    [`${label}.plist`, launchdPlist(layout)],
    ["mac-powermetrics-agent.newsyslog.conf", newsyslogConf(layout, defaultAccount)],
    ["mac-powermetrics-agent.mobileconfig", mobileconfig()],
  ];
}
