import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** The outside world enters through src/runtime and src/source only (CONTRIBUTING, "the world comes in by parameter"). */
const world = {
  "no-restricted-globals": [
    "error",
    ...["setTimeout", "setInterval", "setImmediate", "fetch"].map((name) => ({
      name,
      message: "take a Clock or an HttpClient by parameter instead",
    })),
  ],
  "no-restricted-properties": [
    "error",
    { object: "Date", property: "now", message: "take a Clock by parameter instead" },
    { object: "Math", property: "random", message: "take a Random by parameter instead" },
    { object: "process", property: "env", message: "take the environment by parameter instead" },
    { object: "process", property: "exit", message: "only src/cli.ts ends the process" },
  ],
  "no-restricted-imports": [
    "error",
    { name: "node:child_process", message: "only src/source spawns" },
    { name: "node:timers/promises", message: "take a Clock by parameter instead" },
  ],
};

export default tseslint.config(
  { ignores: ["dist", "coverage", "node_modules"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/runtime/**", "src/source/**", "src/simulator/**", "src/cli.ts"],
    rules: world,
  },
  {
    files: ["src/**/*.ts"],
    rules: { "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ["test/**/*.ts", "scripts/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "describe", "it", "suite"] },
          ],
        },
      ],
    },
  },
  { files: ["*.js", "scripts/*.js"], ...tseslint.configs.disableTypeChecked },
  {
    files: ["*.js", "scripts/*.js"],
    languageOptions: { globals: { URL: false, console: false, process: false } },
  },
);
