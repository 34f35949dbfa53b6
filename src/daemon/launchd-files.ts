/** The generated files in launchd/, for those who install by hand or by device management. */
import { defaultAccount } from "./account.ts";
import { label, layoutUnder } from "./layout.ts";
import { launchdPlist } from "./launchd-plist.ts";
import { mobileconfig } from "./mobileconfig.ts";
import { newsyslogConf } from "./newsyslog.ts";

/** `install` writes the account's numbers instead. */
const byHand = `# Only once account and group ${defaultAccount} exist: at an unknown name newsyslog rotates no log of the whole system any more.`;

/** Name and text of each. */
export function launchdFiles(): readonly (readonly [name: string, text: string])[] {
  const layout = layoutUnder();
  return [
    [`${label}.plist`, launchdPlist(layout)],
    [
      "mac-powermetrics-agent.newsyslog.conf",
      `${byHand}\n${newsyslogConf(layout, `${defaultAccount}:${defaultAccount}`)}`,
    ],
    ["mac-powermetrics-agent.mobileconfig", mobileconfig()],
  ];
}
