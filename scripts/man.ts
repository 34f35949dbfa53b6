/** Writes the manual page, in mdoc(7), out of what each command's help says and the layout of an installation. */
import type { Argument, Command, Option } from "commander";
import { exitCode, type CommandContext } from "../src/command/context.ts";
import { examples } from "../src/command/examples.ts";
import { createProgram } from "../src/command/program.ts";
import { layoutUnder, manualMark } from "../src/daemon/layout.ts";

/** Of what is written here and not generated. */
const date = "November 30, 2026";

const exitWords = [
  ["ok", "All is well."],
  ["failure", "It failed."],
  ["usage", "The call was wrong."],
  ["noPowermetrics", "There is no powermetrics here."],
  ["temporary", "It failed for now: try again."],
  ["notRoot", "It needs root."],
  ["badConfiguration", "The configuration is wrong."],
] as const;

export function manualPage(version: string): string {
  const program = createProgram({ version } as CommandContext);
  return [
    manualMark,
    `.Dd ${date}`,
    ".Dt MAC-POWERMETRICS-AGENT 1",
    `.Os mac-powermetrics-agent ${version}`,
    ".Sh NAME",
    ".Nm mac-powermetrics-agent",
    ".Nd push Mac power metrics durably to Prometheus and OpenTelemetry",
    ".Sh SYNOPSIS",
    ...program.commands.flatMap((command) => [".Nm", ...synopsis(command)]),
    ".Sh DESCRIPTION",
    ...prose(
      "Reads powermetrics as one continuous stream, and ioreg, vm_stat, sysctl and pmset beside it.",
      "Every sample is kept in a journal on disk and pushed to Prometheus remote write, an OpenTelemetry collector or a Pushgateway;",
      "a pull endpoint and a status page stay on 127.0.0.1:9127.",
      "Data goes to standard output, messages to standard error.",
    ),
    ".Sh COMMANDS",
    ...program.commands.flatMap(section),
    ".Sh ENVIRONMENT",
    ...list([
      ["Ev MAC_POWERMETRICS_CONFIG", "The configuration file, where --config is not given."],
      [
        "Ev MAC_POWERMETRICS_*",
        "Settings, by their place in the configuration: MAC_POWERMETRICS_LOG_LEVEL=debug.",
      ],
      ["Ev NO_COLOR", "Anything in it keeps top and the log from colours."],
      [
        "Ev HTTPS_PROXY , Ev HTTP_PROXY , Ev NO_PROXY",
        "How receivers are reached, unless a block says otherwise.",
      ],
    ]),
    ".Sh FILES",
    ...list(files()),
    ".Sh EXIT STATUS",
    ...list(exitWords.map(([name, words]) => [`Li ${exitCode[name]}`, words])),
    ".Sh SEE ALSO",
    ".Xr powermetrics 1 ,",
    ".Xr vm_stat 1 ,",
    ".Xr launchd.plist 5 ,",
    ".Xr newsyslog 8",
    "",
  ].join("\n");
}

function synopsis(command: Command): readonly string[] {
  const options = command.options.some(({ hidden }) => !hidden) ? [".Op Ar options"] : [];
  return [`.Cm ${command.name()}`, ...options, ...command.registeredArguments.map(argumentMacro)];
}

function argumentMacro(argument: Argument): string {
  const name = `Ar ${argument.name()}${argument.variadic ? " ..." : ""}`;
  return argument.required ? `.${name}` : `.Op ${name}`;
}

function section(command: Command): readonly string[] {
  const rows = [
    ...command.registeredArguments.flatMap((argument): Row[] => {
      const words = wordsOf(argument.description, argument.argChoices);
      return words === "" ? [] : [[`Ar ${argument.name()}`, words]];
    }),
    ...command.options.filter(({ hidden }) => !hidden).map(optionRow),
  ];
  const lines = examples[command.name()] ?? [];
  return [
    `.Ss ${command.name()}`,
    ...prose(sentence(command.description())),
    ...(rows.length > 0 ? list(rows) : []),
    ...(lines.length > 0
      ? [
          ".Bd -literal -offset indent",
          ...lines.map((line) => escaped(`mac-powermetrics-agent ${line}`)),
          ".Ed",
        ]
      : []),
  ];
}

type Row = readonly [macro: string, words: string];

function optionRow({
  short,
  long,
  flags,
  description,
  argChoices,
  defaultValue,
  defaultValueDescription,
}: Option): Row {
  const names = [short, long].filter((name) => name !== undefined).map((name) => `Fl ${name.slice(1)}`);
  const value = /[<[]([a-z]+)(\.{3})?[>\]]/.exec(flags);
  const isOptional = flags.includes("[");
  const argument =
    value === null
      ? ""
      : ` ${isOptional ? "Op " : ""}Ar ${value[1] ?? ""}${value[2] === undefined ? "" : " ..."}`;
  const preset: unknown = defaultValueDescription ?? defaultValue;
  const isShown = typeof preset === "string" || typeof preset === "number";
  const words = wordsOf(description, argChoices, isShown ? `Default: ${preset}.` : undefined);
  return [`${names.join(" , ")}${argument}`, words];
}

function wordsOf(description: string, choices?: readonly string[], more?: string): string {
  const parts = [
    description === "" ? "" : sentence(description),
    choices === undefined ? "" : `One of ${choices.join(", ")}.`,
    more ?? "",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function files(): readonly Row[] {
  const { config, environment, state, log, standardError, versions } = layoutUnder();
  return [
    [config, "The configuration of the daemon."],
    [environment, "Variables for it, which device management may write."],
    [state, "The journal and the name of this Mac."],
    [log, "The daemon's log."],
    [standardError, "What is logged before that is open."],
    [versions, "The program, with its own Node.js."],
  ].map(([path = "", words = ""]) => [`Pa ${path.replaceAll(" ", "\\ ")}`, words]);
}

function list(rows: readonly Row[]): readonly string[] {
  return [
    ".Bl -tag -width indent",
    ...rows.flatMap(([macro, words]) => [`.It ${macro}`, ...prose(words)]),
    ".El",
  ];
}

/** A sentence begins a line, as mdoc wants it, and none is longer than people read well. */
function prose(...sentences: readonly string[]): readonly string[] {
  return sentences
    .flatMap((text) => text.split(/(?<=\.) (?=[A-Z])/))
    .flatMap((text) => escaped(text).match(/.{1,78}(?: |$)/g) ?? [])
    .map((line) => guarded(line.trimEnd()));
}

function sentence(text: string): string {
  const first = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
  return /[.:]$/.test(first) ? first : `${first}.`;
}

/** A dash that can be searched and pasted, a backslash that is one. */
const escaped = (text: string): string => text.replaceAll("\\", "\\e").replaceAll("-", "\\-");

/** No text is a request. */
const guarded = (line: string): string => (/^[.']/.test(line) ? `\\&${line}` : line);
