/** Where the command line keeps what belongs to its user: the XDG Base Directory Specification's folder of configurations. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** A file of that folder. A relative XDG_CONFIG_HOME is none, as the specification has it. */
export function configFile(
  name: 'identity' | 'known_peers',
  env: Readonly<Record<string, string | undefined>>,
  home = homedir(),
): string {
  const folder = env['XDG_CONFIG_HOME'];
  return join(folder && isAbsolute(folder) ? folder : join(home, '.config'), 'pool-ts', name);
}
