/** What identifies a Mac of stubs: what its tools tell when they are asked, and what stands in their output besides. */
/** What the system says when it is asked. */
export const told = {
  computer: "Zoë’s MacBook Pro",
  bonjour: "Zoes-MacBook-Pro",
  host: "zoe-laptop.corp.example.com",
  account: "zoemueller",
  person: "Zoë Müller-Lüdenscheidt",
  serial: "C02ZK8XYLVDQ",
  uuid: "8A1B2C3D-1111-2222-3333-ABCDEF012345",
  battery: "F8Y1234ABCDE",
  network: "Café Zimmer 7",
};
/** What has to be recognized by its form. */
export const untold = [
  "https://metrics.intern.example.org:9090/push?token=abc123secret",
  "/Users/secondperson/Library",
  "someone.else@example.net",
  "a4:83:e7:12:34:56",
  "fe80::1234:5678:9abc:def0",
  "10.20.30.40",
  '"IOPlatformSerialNumber" = "DLC999PLANTED"',
  "Serial Number (system): DLC888PLANTED",
  "0F2E4C6A-0000-4000-8000-00000000ABCD",
];
export const secrets = [
  ...Object.values(told),
  "metrics.intern.example.org",
  "abc123secret",
  "secondperson",
  "someone.else@example.net",
  "a4:83:e7:12:34:56",
  "fe80::1234:5678:9abc:def0",
  "10.20.30.40",
  "DLC999PLANTED",
  "DLC888PLANTED",
  "0F2E4C6A-0000-4000-8000-00000000ABCD",
  "19136611",
  "central-office",
  "hunter2hunter2",
];
export const answers: Readonly<Record<string, string>> = {
  "scutil --get ComputerName": told.computer,
  "scutil --get LocalHostName": told.bonjour,
  "scutil --get HostName": told.host,
  "kern.hostname": told.host,
  "dscl UniqueID": `${told.account}   501\n_macagent   399\nroot   0`,
  "dscl RealName": `${told.account}   ${told.person}\n_www   World Wide Web Server`,
  "ioreg -w0 -rd1 -c IOPlatformExpertDevice": `  "IOPlatformUUID" = "${told.uuid}"\n  "IOPlatformSerialNumber" = "${told.serial}"`,
  "ioreg -w0 -rd1 -n AppleSmartBattery": `  "Serial" = "${told.battery}"`,
  "networksetup -getairportnetwork en0": `Current Wi-Fi Network: ${told.network}`,
  vm_stat: "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free: 5.",
  sw_vers: "ProductName: macOS\nProductVersion: 15.5\nBuildVersion: 24F74",
  sfltool:
    "#1:\n Name: mac-powermetrics-agent\n Disposition: [enabled, allowed, notified]\n\n#2:\n Name: Other App",
  route: "   route to: default\n    gateway: 127.0.0.1",
  codesign: "Authority=Developer ID Application: Node.js Foundation (HX7739G8FX)",
};
