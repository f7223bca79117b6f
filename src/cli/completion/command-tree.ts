/** What completion and the manual need of the commands: their names, options and values, read from commander. */
import type { Command } from 'commander';

export interface OptionWords {
  /** As typed: `-c`, `--count`. */
  flags: string[];
  description: string;
  /** What may follow it; null where it takes nothing, empty where anything may. */
  values: string[] | null;
}

export interface CommandWords {
  /** The names that lead to it: `['pool-ts', 'bridge', 'tcp2pool']`. */
  path: string[];
  description: string;
  commands: { name: string; description: string }[];
  options: OptionWords[];
}

/** `root` and all commands below it that are shown. */
export function commandTree(root: Command, above: readonly string[] = []): CommandWords[] {
  const path = [...above, root.name()];
  const help = root.createHelp();
  const below = help.visibleCommands(root).filter((command) => command.name() !== 'help');
  const options = help.visibleOptions(root).map((option) => ({
    flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    values: option.required || option.optional ? [...(option.argChoices ?? [])] : null,
  }));
  const commands = below.map((command) => ({ name: command.name(), description: command.description() }));
  const own: CommandWords = { path, description: root.description(), commands, options };
  return [own, ...below.flatMap((command) => commandTree(command, path))];
}
