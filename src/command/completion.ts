/** `completion`: what a shell needs to complete our command line, made from the program's own grammar. */
import type { Command, Option } from "commander";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

interface Verb {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Flag[];
  /** Values of its first argument. */
  readonly choices: readonly string[];
}

interface Flag {
  readonly names: readonly string[];
  readonly description: string;
  /** Where it is optional, another option may follow in its place. */
  readonly value: "none" | "optional" | "required";
  readonly choices: readonly string[];
}

export async function completion(shell: Shell, program: Command, context: CommandContext): Promise<ExitCode> {
  await context.write(completionScript(shell, program));
  return exitCode.ok;
}

/** A script for `eval` or for the shell's folder of completions. */
export function completionScript(shell: Shell, program: Command): string {
  const verbs = program.commands.map(verbOf);
  switch (shell) {
    case "bash":
      return bash(program.name(), verbs);
    case "zsh":
      return zsh(program.name(), verbs);
    case "fish":
      return fish(program.name(), verbs);
  }
}

function verbOf(command: Command): Verb {
  const help: Flag = { names: ["--help"], description: "show help", value: "none", choices: [] };
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options.filter(({ hidden }) => !hidden).map(flagOf), help],
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
}

function flagOf({ short, long, description, required, optional, argChoices }: Option): Flag {
  const names = [short, long].filter((name) => name !== undefined);
  return {
    names,
    description,
    value: required ? "required" : optional ? "optional" : "none",
    choices: argChoices ?? [],
  };
}

/** Bash splits words at `=` only, so that dots in names are no trouble; files are the fallback. */
function bash(name: string, verbs: readonly Verb[]): string {
  const values = verbs.flatMap((verb) =>
    verb.options
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ names, choices, value }) =>
          `    ${names.map((flag) => `${verb.name}:${flag}`).join("|")}) words="${[...choices, ...(value === "optional" ? namesOf(verb) : [])].join(" ")}" ;;`,
      ),
  );
  const words = verbs.map(
    (verb) => `    ${verb.name}) words="${[...verb.choices, ...namesOf(verb)].join(" ")}" ;;`,
  );
  const takers = verbs.flatMap((verb) =>
    verb.options
      .filter(({ value, choices }) => value === "required" && choices.length === 0)
      .flatMap(({ names }) => names.map((flag) => `${verb.name}:${flag}`)),
  );
  const fallback = takers.length === 0 ? [] : [`    ${takers.join("|")}) return ;;`];
  return `# ${name}: bash completion
_${identifier(name)}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" verb="\${COMP_WORDS[1]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...verbs.map((verb) => verb.name), "--help", "--version"].join(" ")}" -- "$current"))
    return
  fi
  case "$verb:$previous" in
${[...values, ...fallback].join("\n")}
  esac
  [ -n "$words" ] || case "$verb" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${identifier(name)} ${name}
`;
}

const namesOf = ({ options }: Verb): readonly string[] => options.flatMap(({ names }) => names);

function zsh(name: string, verbs: readonly Verb[]): string {
  const list = verbs.map(({ name: verb, description }) => `    ${quoted(`${verb}:${description}`)}`);
  const cases = verbs.map(({ name: verb, options, choices }) => {
    const specs = [
      ...options.flatMap(zshSpecs),
      ...(choices.length > 0 ? [`1:value:(${choices.join(" ")})`] : []),
    ];
    return `    ${verb}) _arguments ${[...specs, "*:file:_files"].map(quoted).join(" ")} ;;`;
  });
  return `#compdef ${name}
# ${name}: zsh completion
_${identifier(name)}() {
  local -a verbs
  verbs=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command verbs
    return
  fi
  local verb="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$verb" in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_${identifier(name)}" ]; then
  _${identifier(name)} "$@"
else
  compdef _${identifier(name)} ${name}
fi
`;
}

function zshSpecs({ names, description, value, choices }: Flag): readonly string[] {
  const colons = { none: "", optional: "::", required: ":" }[value];
  const action = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
  const spec = value === "none" ? "" : `${colons}value:${action}`;
  return names.map((flag) => `${flag}[${description.replaceAll(/[[\]:]/g, "\\$&")}]${spec}`);
}

function fish(name: string, verbs: readonly Verb[]): string {
  const lines = verbs.flatMap(({ name: verb, description, options, choices }) => {
    const inside = `complete -c ${name} -n "__fish_seen_subcommand_from ${verb}"`;
    return [
      `complete -c ${name} -n __fish_use_subcommand -f -a ${verb} -d ${quoted(description)}`,
      ...(choices.length > 0 ? [`${inside} -f -a ${quoted(choices.join(" "))}`] : []),
      ...options.map((flag) => `${inside} ${fishFlag(flag)}`),
    ];
  });
  return [`# ${name}: fish completion`, ...lines, ""].join("\n");
}

function fishFlag({ names, description, value, choices }: Flag): string {
  const switches = names.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const list = choices.length > 0 ? ` -a ${quoted(choices.join(" "))}` : "";
  const kind = { none: "", optional: " -f", required: choices.length > 0 ? " -x" : " -r" }[value];
  return `${switches.join(" ")}${kind}${list} -d ${quoted(description)}`;
}

const identifier = (name: string): string => name.replaceAll("-", "_");

/** For all three shells: a quote inside ends, is written by itself, and begins anew. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
