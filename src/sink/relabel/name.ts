/**
 * Checks which names may go on the wire: the classic character sets that every receiver takes.
 * Prometheus 3 allows any UTF-8, others answer it with 400 for the whole request.
 */

export function isLabelName(text: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(text);
}

export function isMetricName(text: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(text);
}
