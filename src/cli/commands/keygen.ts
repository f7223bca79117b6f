/** `pool-ts keygen [FILE]`: a key that says who this side is, or a secret that two sides share. */
import { Command, Option } from 'commander';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { print, type Terminal } from '../terminal.js';

interface KeygenFlags {
  comment?: string;
  psk?: boolean;
}

const EXAMPLES = `
Examples:
  pool-ts keygen                             the key of this user: ~/.config/pool-ts/identity, and identity.pub
  pool-ts keygen server --comment web1       server and server.pub
  pool-ts keygen --psk shared                a secret for a pair of machines, in place of keys
  pool-ts keygen --psk | ssh host 'umask 077; cat > shared'

FILE is for its owner alone and never leaves the machine. FILE.pub is one line, as ssh has it: give it to the other side, as a
line of the file that is named by its --peers. Compare fingerprints by telephone, or any way that nobody can change. No file
is overwritten. --identity FILE shows who you are, --peers FILE says whom you talk to; both sides need both, but for a
listener with --peers anyone.`;

export function keygenCommand(terminal: Terminal): Command {
  return new Command('keygen')
    .description('make a key that proves who you are to peers, as ssh-keygen does')
    .argument('[file]', 'where the private key goes; the public one goes beside it, to FILE.pub')
    .addOption(new Option('--comment <text>', 'behind the public key (default: user@host)').conflicts('psk'))
    .option('--psk', 'a secret of 32 random bytes that both sides have; printed where no file is named')
    .addHelpText('after', EXAMPLES)
    .action((file: string | undefined, flags: KeygenFlags) => keygen(terminal, file, flags));
}

async function keygen(terminal: Terminal, file: string | undefined, { comment, psk }: KeygenFlags): Promise<void> {
  if (file === '') throw new CliError(EXIT.USAGE, 'the name of the file is empty');
  const { makeIdentity, makePsk, usualComment, usualIdentity } = await import('../peers/make-keys.js');
  if (psk === true) {
    const secret = await makePsk(file);
    await print(terminal, file === undefined ? secret : `wrote ${file}: copy it to the other side, in secret`);
    return;
  }
  const path = file ?? (await usualIdentity(terminal.env));
  const { fingerprint, line } = await makeIdentity(path, comment ?? usualComment());
  await print(terminal, `wrote ${path}, which is for you alone, and ${path}.pub:\n${line}\n${fingerprint}`);
}
