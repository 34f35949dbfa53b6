/** Owns the way to the receivers for the tests of sinks. */
export * from "../support/receivers.ts";
