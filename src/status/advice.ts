/** What to do about a sink's failure, by the code of its last request. */

const byCode: Readonly<Record<string, string>> = {
  "400":
    "The receiver refuses the samples. Where old ones were sent to Prometheus, set storage.tsdb.out_of_order_time_window there.",
  "401": "Check the credentials of this block: basic_auth or authorization.",
  "403": "The credentials are known but may not write: give them the right to, or use others.",
  "404":
    "Check the path of the address, and that the receiver is turned on (Prometheus: --web.enable-remote-write-receiver).",
  "405": "Check the path of the address: something else answers there.",
  "407": "The proxy wants credentials: put them into proxy_url.",
  "413": "The receiver takes smaller bodies only; the agent halves them by itself.",
  "415": "The receiver does not speak this protocol: leave protobuf_message at auto.",
  "429": "The receiver asks for patience. If it goes on, raise its limits or the interval of the sources.",
  dns: "Check the host name in the address, and whether this machine is online.",
  connect: "Check that the receiver runs and that its port can be reached from here.",
  tls: "Check the certificate: tls_config.ca_file for a private authority, server_name for another name.",
  timeout: "The receiver or the way to it is slow: look at its load, or raise remote_timeout.",
  reset: "The connection was cut on the way: look at the receiver's log and at proxies in between.",
  proxy: "Check proxy_url, or turn proxy_from_environment off.",
  credentials: "Check that the file with the secret exists and that the agent's account may read it.",
};

/** One sentence, or nothing where the reason says it all. */
export function adviceFor(code: string): string | undefined {
  const known = byCode[code];
  if (known !== undefined) return known;
  return /^5\d\d$/.test(code)
    ? "The receiver fails by itself: look at its log. The agent goes on trying, and nothing is lost so far."
    : undefined;
}
