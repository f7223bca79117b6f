/** The manual page, made of the helps: what a command says of itself is told in one place. */
import type { Command } from 'commander';

const NAME = 'pool-ts';

/** roff of section 1 for `root` and the commands below it, as `man -l` takes it. */
export function manualPage(root: Command, version: string): string {
  const commands = root.commands.filter((command) => root.createHelp().visibleCommands(root).includes(command));
  return [
    `.TH POOL-TS 1 "" "${NAME} ${version}" "User Commands"`,
    '.SH NAME',
    `${NAME} \\- ${escaped(lowered(root.description()))}`,
    '.SH SYNOPSIS',
    `.B ${NAME}`,
    '.I command',
    '.RI [ options ]',
    '.SH COMMANDS',
    ...commands.flatMap((command) => ['.TP', `.B ${command.name()}`, escaped(command.description())]),
    ...commands
      .filter((command) => command.name() !== 'help')
      .flatMap((command) => [
        `.SH ${command.name().toUpperCase()}`,
        '.nf',
        ...escaped(helpOf(command)).split('\n'),
        '.fi',
      ]),
    '',
  ].join('\n');
}

/** The help as it is printed, and those of the commands below. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ ...command.configureOutput(), writeOut: (part) => void (text += part) });
  command.outputHelp();
  return [text.trimEnd(), ...command.commands.filter((below) => below.name() !== 'help').map(helpOf)].join('\n\n');
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
}

/** A backslash, a hyphen that has to be typed, what is not ASCII, and what would be a request at the start of a line. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(
      /[^\x00-\x7f]/gu,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replaceAll(/^(?=[.'])/gm, '\\&');
}
