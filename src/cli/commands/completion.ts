/** `pool-ts completion SHELL`, and `pool-ts manual`: what shells and man want of the command line, made from itself. */
import { Argument, Command } from 'commander';
import type { Shell } from '../completion/scripts.js';
import { print, type Terminal } from '../terminal.js';
import { packageVersion } from '../../base/package-files.js';

const COMPLETION = `
Examples:
  pool-ts completion fish > ~/.config/fish/completions/pool-ts.fish
  source <(pool-ts completion bash)                                   in ~/.bashrc
  source <(pool-ts completion zsh)                                    in ~/.zshrc, after compinit`;

const MANUAL = `
Examples:
  pool-ts manual | man -l -                                                read it
  pool-ts manual > /usr/local/share/man/man1/pool-ts.1                     for all users`;

/** Completion of commands, options and their values. */
export function completionCommand(terminal: Terminal): Command {
  const command = new Command('completion')
    .description('print the completion of commands and options for a shell')
    .addArgument(new Argument('<shell>', 'whose').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', COMPLETION);
  return command.action(async (shell: Shell) => {
    const { commandTree } = await import('../completion/command-tree.js');
    const { completionScript } = await import('../completion/scripts.js');
    await print(terminal, completionScript(shell, commandTree(rootOf(command))).trimEnd());
  });
}

export function manualCommand(terminal: Terminal): Command {
  const command = new Command('manual').description('print the manual page, for man').addHelpText('after', MANUAL);
  return command.action(async () => {
    const { manualPage } = await import('../completion/manual.js');
    await print(terminal, manualPage(rootOf(command), packageVersion()).trimEnd());
  });
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
