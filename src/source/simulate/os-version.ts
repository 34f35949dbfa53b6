/** Owns macOS versions: their order, and a build name of the right shape. */

/** Comparable: 26.4.1 → 260401. */
export function osNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return major * 10_000 + minor * 100 + patch;
}

/** Such as `25G83` for 26.6: Darwin's major version, a letter for the minor one, and an invented number. */
export function osBuild(version: string): string {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major === 10) return `${minor + 4}${letter(patch)}83`;
  const darwin = major >= 26 ? major - 1 : major + 9;
  return `${darwin}${letter(minor)}83`;
}

function letter(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + Math.min(index, 25));
}
