/** The files that say who this side is and whom it talks to: flags, environment, and those whom this user has met. */
import { readFile } from 'node:fs/promises';
import { parsePublicKeyLine, fingerprintOf } from '../../base/public-key.js';
import { loadIdentity } from '../../pool/identity/identity.js';
import { readKeyFile } from '../../pool/identity/key-file.js';
import { readKnownPeers } from '../../pool/identity/known-peers.js';
import { MAX_PEERS_FILE_BYTES, parsePeersFile } from '../../pool/identity/peers-file.js';
import { loadPsk } from '../../pool/identity/pre-shared-key.js';
import { lineOf } from '../cli-error.js';
import { configFile, isPeersWord, PROOF_VARIABLES, proofWish } from '../peers/proof.js';
import type { ProofFlags } from '../peers/proof-flags.js';
import { type Finding, fail, ok, warn } from './finding.js';
import type { Probes } from './probes.js';

/** None where no file is named and nobody was met. `backend` is the one that programs here take. */
export async function keyFiles(flags: ProofFlags, env: Probes['env'], backend: 'user' | 'kernel'): Promise<Finding[]> {
  const findings: Finding[] = [];
  let wish: ProofFlags = {};
  try {
    wish = proofWish(flags, env);
  } catch (error) {
    findings.push(fail('proofs', lineOf(error), `name one kind: unset ${Object.values(PROOF_VARIABLES).join(', ')}`));
  }
  const { identity, peers, pskFile } = wish;
  if (identity !== undefined) findings.push(await identityFile(identity));
  if (peers !== undefined && !isPeersWord(peers)) findings.push(await peersFile(peers));
  if (pskFile !== undefined) findings.push(await pskOf(pskFile));
  const known = await knownPeers(configFile('known_peers', env));
  if (known !== null) findings.push(known);
  if (Object.keys(wish).length > 0 && backend === 'kernel') {
    const says = 'who the peer is can be asked on the user backend alone, and programs here take the kernel backend';
    findings.push(fail('proofs', says, 'POOL_BACKEND=user, or TLS inside the connection'));
  }
  return findings;
}

async function identityFile(path: string): Promise<Finding> {
  const check = 'identity';
  try {
    const { publicKey } = await loadIdentity({ file: path });
    const says = `${path}: ${fingerprintOf(publicKey)}`;
    const beside = await publicBeside(path);
    if (beside !== null && beside !== fingerprintOf(publicKey)) {
      return warn(
        check,
        `${says}, and ${path}.pub is ${beside}`,
        'give peers the public key that belongs to the private one',
      );
    }
    return ok(check, says);
  } catch (error) {
    return fail(check, lineOf(error), 'pool-ts keygen makes a key');
  }
}

/** The fingerprint in FILE.pub; null where there is no such file, or no key in it. */
async function publicBeside(path: string): Promise<string | null> {
  try {
    return parsePublicKeyLine(await readFile(`${path}.pub`, 'utf8')).fingerprint;
  } catch {
    return null;
  }
}

async function peersFile(path: string): Promise<Finding> {
  const check = 'peers';
  try {
    const { text } = await readKeyFile(path, 'peers', 'list', MAX_PEERS_FILE_BYTES);
    const { keys, skipped } = parsePeersFile(text, path);
    const says = `${path}: ${counted(keys.length, 'key')}`;
    if (keys.length === 0)
      return fail(check, `${says}: nobody is let in`, 'add lines as pool-ts keygen writes to FILE.pub');
    if (skipped.length === 0) return ok(check, says);
    const lines = skipped.map(({ line, why }) => `line ${line}: ${why}`).join('; ');
    return warn(check, `${says}; ${lines}`, 'take the lines out, or give a plain ssh-ed25519 key instead');
  } catch (error) {
    return fail(check, lineOf(error), 'a line is: ssh-ed25519, the key in base64, a comment');
  }
}

async function pskOf(path: string): Promise<Finding> {
  try {
    await loadPsk({ file: path });
    return ok('psk', `${path}: a secret of 32 bytes`);
  } catch (error) {
    return fail('psk', lineOf(error), 'pool-ts keygen --psk FILE makes one');
  }
}

async function knownPeers(path: string): Promise<Finding | null> {
  try {
    const lines = await readKnownPeers(path);
    return lines.length === 0 ? null : ok('known peers', `${path}: ${counted(lines.length, 'peer')}`);
  } catch (error) {
    return fail('known peers', lineOf(error), 'set the line right, or take it out');
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
