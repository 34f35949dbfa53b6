/** What a process that a test starts sees of this one's environment: where programs are, and where Node.js keeps compiled code. */
export const bareEnvironment = {
  PATH: process.env["PATH"],
  NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
};
