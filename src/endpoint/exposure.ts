/** The warning about an endpoint that the network can read. */
import { formatAddress, isLoopback, type ListenAddress } from "../runtime/address.ts";

/** What to say about an address that others can reach without proving who they are; nothing for all others. */
export function exposureWarning(address: ListenAddress, authenticated: boolean): string | undefined {
  if (authenticated || isLoopback(address.host)) return undefined;
  return `${formatAddress(address)} can be reached from the network without authentication: set web.config_file with basic_auth_users or client certificates, or listen on 127.0.0.1`;
}
