/** Writes the Homebrew formula: the release archives, and the text that leads to the daemon. */

interface FormulaRelease {
  readonly version: string;
  readonly homepage: string;
  /** Where they lie. */
  readonly archives: string;
  /** SHA-256 of the archive, by platform. */
  readonly sums: Readonly<Record<"darwin-arm64" | "darwin-x64", string>>;
}

/** Homebrew must not start it: a service of its own would run as root from a folder that its user may write. */
export function formula({ version, homepage, archives, sums }: FormulaRelease): string {
  const archive = (platform: string): string =>
    `${archives}/mac-powermetrics-agent-${version}-${platform}.tar.gz`;
  return `# Written by "npm run dist"; do not edit.
class MacPowermetricsAgent < Formula
  desc "Push Mac power metrics to Prometheus, Pushgateway or OpenTelemetry"
  homepage "${homepage}"
  version "${version}"
  license "MIT"
  depends_on :macos

  on_arm do
    url "${archive("darwin-arm64")}"
    sha256 "${sums["darwin-arm64"]}"
  end
  on_intel do
    url "${archive("darwin-x64")}"
    sha256 "${sums["darwin-x64"]}"
  end

  def install
    libexec.install Dir["*"]
    bin.write_exec_script libexec/"bin/mac-powermetrics-agent"
    man1.install_symlink libexec/"lib/mac-powermetrics-agent.1"
    generate_completions_from_executable(bin/"mac-powermetrics-agent", "completion", shells: [:bash, :zsh, :fish])
  end

  def caveats
    <<~EOS
      Reading powermetrics needs root. To run it as a daemon, which copies program and runtime to a folder of root's:
        sudo mac-powermetrics-agent install
      Run this again after each upgrade. Before removing the formula:
        sudo mac-powermetrics-agent uninstall
    EOS
  end

  test do
    assert_match "powermetrics", shell_output("#{bin}/mac-powermetrics-agent once --simulate")
  end
end
`;
}
