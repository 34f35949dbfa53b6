/** What nobody uses: `knip` over everything, then `knip --production` over what users get, where tests do not count as use. */
const production = process.argv.includes("--production");

export default {
  entry: ["src/entry.ts!", "src/endpoint/page/client/main.ts!", "scripts/*.ts!", "test/**/*.test.ts"],
  project: ["src/**/*.ts!", "test/**/*.ts", "scripts/**/*.ts!"],
  ignoreDependencies: ["node", "axe-core"],
  // What a file of src uses itself may be exported for its test.
  ignoreExportsUsedInFile: production ? true : { interface: true, type: true },
};
