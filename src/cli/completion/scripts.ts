/** Completion for shells, made of the commands as they are: nothing is asked of pool-ts while somebody types. */
import type { CommandWords, OptionWords } from './command-tree.js';

/** Shells that completion is made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, tree: readonly CommandWords[]): string {
  return { bash, zsh, fish }[shell](tree);
}

/** In single quotes, for all three. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const key = ({ path }: CommandWords): string => path.join(' ');
const names = ({ commands }: CommandWords): string[] => commands.map(({ name }) => name);
const flags = ({ options }: CommandWords): string[] => options.flatMap((option) => option.flags);
const valued = ({ options }: CommandWords): OptionWords[] => options.filter(({ values }) => values !== null);

/** Patterns of a `case` that follow the names typed so far down the commands. */
const steps = (tree: readonly CommandWords[]): string =>
  tree
    .slice(1)
    .map((command) => quoted(key(command)))
    .join(' | ');

function bash(tree: readonly CommandWords[]): string {
  const words = tree.map(
    (command) =>
      `    ${quoted(key(command))}) names=${quoted(names(command).join(' '))} flags=${quoted(flags(command).join(' '))} ;;`,
  );
  const values = tree.flatMap((command) =>
    valued(command).map(({ flags: own, values: may }) => {
      const patterns = own.map((flag) => quoted(`${key(command)} ${flag}`)).join(' | ');
      return `    ${patterns}) values=${quoted(may?.join(' ') ?? '')} ;;`;
    }),
  );
  return `# bash completion of pool-ts: source <(pool-ts completion bash)
_pool_ts() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at=pool-ts word names flags values=-
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in ${steps(tree)}) at="$at $word" ;; esac
  done
  case "$at" in
${words.join('\n')}
  esac
  case "$at $before" in
${values.join('\n')}
  esac
  COMPREPLY=()
  if [[ $values != - ]]; then COMPREPLY=($(compgen -W "$values" -- "$current"))
  elif [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ -n $names ]]; then COMPREPLY=($(compgen -W "$names" -- "$current"))
  fi
}
# Where nothing of its own fits, files do.
complete -o bashdefault -o default -F _pool_ts pool-ts
`;
}

function zsh(tree: readonly CommandWords[]): string {
  // _describe takes the name to the first colon.
  const entry = (name: string, description: string): string => quoted(`${name.replaceAll(':', '\\:')}:${description}`);
  const cases = tree.map((command) => {
    const below = command.commands.map(({ name, description }) => entry(name, description)).join(' ');
    const own = command.options
      .flatMap((option) => option.flags.map((flag) => entry(flag, option.description)))
      .join(' ');
    return `    (${quoted(key(command))}) names=(${below}) flags=(${own}) ;;`;
  });
  const values = tree.flatMap((command) =>
    valued(command)
      .filter(({ values: may }) => (may?.length ?? 0) > 0)
      .map(({ flags: own, values: may }) => {
        const patterns = own.map((flag) => quoted(`${key(command)} ${flag}`)).join(' | ');
        return `    (${patterns}) values=(${may?.map(quoted).join(' ') ?? ''}) ;;`;
      }),
  );
  return `#compdef pool-ts
# zsh completion of pool-ts: source <(pool-ts completion zsh), after compinit
_pool_ts() {
  local at=pool-ts word
  local -a names flags values
  for word in \${words[2,CURRENT-1]}; do
    case "$at $word" in (${steps(tree)}) at="$at $word" ;; esac
  done
  case $at in
${cases.join('\n')}
  esac
  case "$at \${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  if (( $#values )); then compadd -a values
  elif [[ $PREFIX == -* ]]; then _describe option flags
  elif (( $#names )); then _describe command names
  else _files
  fi
}
compdef _pool_ts pool-ts
`;
}

function fish(tree: readonly CommandWords[]): string {
  const lines = tree.flatMap((command) => {
    const typed = command.path.slice(1).map((name) => `__fish_seen_subcommand_from ${name}`);
    const below = names(command);
    const none = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`];
    const when = [...typed, ...none].join('; and ');
    const start = `complete -c pool-ts -n ${quoted(when)}`;
    return [
      ...command.commands.map(({ name, description }) => `${start} -f -a ${name} -d ${quoted(description)}`),
      ...command.options.map(({ flags: own, description, values }) => {
        const spelt = own
          .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
          .join(' ');
        const follows = values === null ? '' : values.length === 0 ? ' -r' : ` -x -a ${quoted(values.join(' '))}`;
        return `${start} ${spelt}${follows} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion of pool-ts: pool-ts completion fish > ~/.config/fish/completions/pool-ts.fish\n${lines.join('\n')}\n`;
}
