/** The two protocols' names, as in Prometheus' `protobuf_message`, and the headers that announce them. */

export const version1 = "prometheus.WriteRequest";
export const version2 = "io.prometheus.write.v2.Request";

export type RemoteWriteProtocol = typeof version1 | typeof version2;

export function isRemoteWriteProtocol(text: string): text is RemoteWriteProtocol {
  return text === version1 || text === version2;
}

export function otherProtocol(protocol: RemoteWriteProtocol): RemoteWriteProtocol {
  return protocol === version1 ? version2 : version1;
}

/** The headers that no user may override. */
export function protocolHeaders(
  protocol: RemoteWriteProtocol,
  agentVersion: string,
): Readonly<Record<string, string>> {
  return {
    "content-encoding": "snappy",
    "content-type":
      protocol === version1 ? "application/x-protobuf" : `application/x-protobuf;proto=${version2}`,
    "user-agent": `mac-powermetrics-agent/${agentVersion}`,
    "x-prometheus-remote-write-version": protocol === version1 ? "0.1.0" : "2.0.0",
  };
}
