/** What values mean and which colours show it, the same on every dashboard. */
import type { Meanings, Steps } from "./view.ts";

/** Apple's levels of memory pressure. */
export const pressureMeanings: Meanings = {
  1: ["normal", "green"],
  2: ["warning", "orange"],
  4: ["critical", "red"],
};

/** For series that are 1 in their state and 0 in every other one. */
export const presence: Meanings = { 0: ["no", "transparent"], 1: ["yes", "blue"] };

export const upMeanings: Meanings = { 0: ["down", "red"], 1: ["up", "green"] };

export const yesIsBad: Meanings = { 0: ["no", "green"], 1: ["yes", "red"] };

/** For counts of something that should not be. */
export const noneIsGood: Steps = [
  [null, "green"],
  [1, "orange"],
];

export const charge: Steps = [
  [null, "red"],
  [15, "orange"],
  [30, "green"],
];
