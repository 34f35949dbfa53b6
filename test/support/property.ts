/**
 * fast-check with a fixed seed, so that every run of the tests has the same inputs; `FUZZ_SEED=N` asks for others. Tests take it from here.
 * What draws its inputs is `npm run fuzz`.
 */
import fc from "fast-check";

/** Of every property of `npm test`. */
export const fixedSeed = 20_261_129;

const { FUZZ_SEED: asked } = process.env;
fc.configureGlobal({ seed: asked === undefined ? fixedSeed : Number(asked) });

export default fc;
