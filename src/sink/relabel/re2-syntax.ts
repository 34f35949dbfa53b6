/** Owns how the translation of an expression gives up. */

/** Thrown within the translation only, where it becomes a value; the message says what RE2 lacks. */
export class UnsupportedSyntax extends Error {}
