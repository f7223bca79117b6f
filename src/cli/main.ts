#!/usr/bin/env node
/** The command line: finds the command, prints what went wrong in one line, and says so in the exit code. */

interface Command {
  usage: string;
  run: (args: readonly string[]) => Promise<void>;
}

/** Each command is loaded when it is asked for: none should wait for what another one needs. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  device: async () => {
    const { DEVICE_USAGE, deviceCommand } = await import('../pooldev/command.js');
    return { usage: DEVICE_USAGE, run: deviceCommand };
  },
};

async function main([name, ...args]: string[]): Promise<number> {
  const load = name === undefined ? undefined : Object.entries(COMMANDS).find(([command]) => command === name)?.[1];
  if (load === undefined) {
    const asked = name === '--help' || name === '-h';
    (asked ? console.log : console.error)(`usage: pool-ts <command>\n\ncommands: ${Object.keys(COMMANDS).join(', ')}`);
    return asked ? 0 : 2;
  }
  const { usage, run } = await load();
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage);
    return 0;
  }
  try {
    await run(args);
    return 0;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    console.error(`pool-ts ${name}: ${message}${code === undefined ? '' : ` (${code})`}`);
    return code === 'ERR_INVALID_ARG_VALUE' ? 2 : 1;
  }
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
