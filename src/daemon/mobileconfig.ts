/** The profile with which device management approves the background item in advance (com.apple.servicemanagement, macOS 13). */
import { label } from "./layout.ts";
import { plistText } from "./launchd-plist.ts";

/** Fixed: a profile with the same identifiers replaces the one before. */
const profileUuid = "5A2E1F0C-6B1B-4C0E-9B57-0D7A3C9E4F21";
const payloadUuid = "C3D40B7E-2A67-4E55-8F1D-91B6E0F5A764";

export function mobileconfig(): string {
  return plistText({
    PayloadContent: [
      {
        PayloadDisplayName: "Managed login items",
        PayloadIdentifier: `${label}.login-items`,
        PayloadType: "com.apple.servicemanagement",
        PayloadUUID: payloadUuid,
        PayloadVersion: 1,
        Rules: [{ RuleType: "Label", RuleValue: label, Comment: "mac-powermetrics-agent" }],
      },
    ],
    PayloadDescription: "Allows mac-powermetrics-agent to run in the background",
    PayloadDisplayName: "mac-powermetrics-agent",
    PayloadIdentifier: label,
    PayloadScope: "System",
    PayloadType: "Configuration",
    PayloadUUID: profileUuid,
    PayloadVersion: 1,
  });
}
