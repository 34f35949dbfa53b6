/** Words the cause of a failure: the part after the colon of an error message. */
import { getSystemErrorMessage } from "node:util";

/** One line, lower case, without the path and the system call that Node adds: `no such file or directory`. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("errno" in error && typeof error.errno === "number") return systemMessage(error.errno);
  return error.message.split("\n", 1)[0] ?? "";
}

/** Node's name of an error, such as `ENOENT`, where it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Some of Node's own functions, such as `rmSync`, give the number without its sign. */
function systemMessage(errno: number): string {
  return getSystemErrorMessage(-Math.abs(errno)).toLowerCase();
}
