/** The exit codes of every command. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  noPowermetrics: 69,
  temporary: 75,
  notRoot: 77,
  badConfiguration: 78,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
