/** Proofs, message by message and over sockets, against the implementation that was written from the description alone. */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Conn, dial, type DialOptions, listen, type Listener, type ListenOptions } from '../../src/index.js';
import { publicKeyLine } from '../../src/base/public-key.js';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import { DiallerExchange } from '../../src/poolnode/protocol/authentication/dialler-exchange.js';
import { bindExchange, messageKey } from '../../src/poolnode/protocol/authentication/keys.js';
import { ListenerExchange } from '../../src/poolnode/protocol/authentication/listener-exchange.js';
import type {
  DiallerCredentials,
  ExchangeStep,
  ListenerCredentials,
} from '../../src/poolnode/protocol/authentication/types.js';
import { identity, preSharedKey } from '../poolnode/protocol/authentication/credentials.js';
import { Peer, TYPE } from './peer.js';
import { accept, derive, finish, type Handshake, offer, type Party, proof, publicOf } from './proof.js';

interface Vector {
  name: string;
  note: string;
  mode: 'keys' | 'psk';
  demand: boolean;
  listenerSeed?: string;
  diallerSeed?: string;
  psk?: string;
  listenerProcess: string;
  diallerProcess: string;
  z: string;
  init: string;
  challenge: string;
  derived: Record<'t' | 'cb' | 'ak' | 'k1' | 'k2' | 'k3', string>;
  messages: [string, string, string];
  digest: string;
}

const VECTORS = JSON.parse(
  readFileSync(new URL('../vectors/authentication.json', import.meta.url), 'utf8'),
) as Vector[];
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const plain = (data: Buffer): Uint8Array => Uint8Array.from(data);

function partiesOf(vector: Vector): { listener: Party; dialler: Party; handshake: Handshake } {
  const { mode, demand } = vector;
  const psk = vector.psk === undefined ? {} : { psk: bytes(vector.psk) };
  const seed = (text: string | undefined) => (text === undefined ? {} : { seed: bytes(text) });
  return {
    listener: { mode, demand, ...psk, ...seed(vector.listenerSeed), process: bytes(vector.listenerProcess) },
    dialler: { mode, ...psk, ...seed(vector.diallerSeed), process: bytes(vector.diallerProcess) },
    handshake: { z: bytes(vector.z), init: bytes(vector.init), challenge: bytes(vector.challenge) },
  };
}

/** The same side in src's words. */
function listenerOf({ mode, seed, demand = false, psk, process }: Party): ListenerCredentials {
  if (mode === 'psk') return { mode, keys: [preSharedKey(plain(psk!))], self: plain(process) };
  return { mode, identity: identity(hex(seed!)), demand, self: plain(process) };
}
function diallerOf({ mode, seed, psk, process }: Party): DiallerCredentials {
  if (mode === 'psk') return { mode, key: preSharedKey(plain(psk!)), self: plain(process) };
  return { mode, identity: seed === undefined ? null : identity(hex(seed)), self: plain(process) };
}

const crypto = nodeCrypto();
const bind = ({ z, init, challenge }: Handshake) => bindExchange(crypto, plain(z), plain(init), plain(challenge));

describe.each(VECTORS)('$name', (vector) => {
  const { listener, dialler, handshake } = partiesOf(vector);
  const [m1, m2, m3] = vector.messages.map(bytes) as [Buffer, Buffer, Buffer];

  it('is what the description gives', () => {
    const derived = Object.entries(derive(handshake, listener.psk)).map(([name, value]) => [name, hex(value)]);
    expect(Object.fromEntries(derived)).toEqual(vector.derived);
    expect(hex(offer(listener, handshake))).toBe(vector.messages[0]);
    expect(hex(proof(dialler, handshake, m1))).toBe(vector.messages[1]);
    expect(hex(accept(listener, handshake, m1, m2))).toBe(vector.messages[2]);
    finish(dialler, handshake, [m1, m2, m3]);
    expect(
      createHash('sha256')
        .update(Buffer.concat([m1, m2, m3]))
        .digest('hex'),
    ).toBe(vector.digest);
  });

  it('is what src derives', () => {
    const binding = bind(handshake);
    const psk = listener.psk === undefined ? null : preSharedKey(plain(listener.psk));
    const [k1, k2, k3] = (['offer', 'proof', 'accept'] as const).map((name) => messageKey(crypto, binding, name, psk));
    expect({ cb: hex(binding.channel), ak: hex(binding.key), k1: hex(k1!), k2: hex(k2!), k3: hex(k3!) }).toEqual({
      cb: vector.derived.cb,
      ak: vector.derived.ak,
      k1: vector.derived.k1,
      k2: vector.derived.k2,
      k3: vector.derived.k3,
    });
  });

  it("is what src's listener sends, and takes", () => {
    const exchange = new ListenerExchange(crypto, listenerOf(listener), bind(handshake));
    expect(hex(exchange.takeMessage()!)).toBe(vector.messages[0]);
    let step: ExchangeStep = exchange.receive(plain(m2));
    if (step.type === 'ask') {
      expect(hex(step.publicKey)).toBe(hex(publicOf(dialler.seed!)));
      step = exchange.admit();
    }
    expect(step.type).toBe('open');
    expect(hex(exchange.takeMessage()!)).toBe(vector.messages[2]);
  });

  it("is what src's dialler sends, and takes", () => {
    const exchange = new DiallerExchange(crypto, diallerOf(dialler), bind(handshake));
    if (exchange.receive(plain(m1)).type === 'ask') exchange.admit();
    expect(hex(exchange.takeMessage()!)).toBe(vector.messages[1]);
    expect(exchange.receive(plain(m3)).type).toBe('open');
  });
});

it('the digests are those that were reached before either was written', () => {
  expect(VECTORS.slice(0, 2).map(({ derived, digest }) => [derived.t, digest])).toEqual([
    [
      'a7ae9a9ef47eab436f662e3ee10aa8bc6a22b7a2e7106dcb1edcb00d692f310b',
      'fdbada4c76c84602951dbef928c9db1c6125c19f133c3c8d0820123456411c80',
    ],
    [
      '6653cdc462f0945e04a2c8e9c770a25b15295bdd3b9e71dba63682a04965e389',
      'f0587a82adf6fbcfb356cea12ba7560fac256ef54a76f10639e00d3a7cf2e327',
    ],
  ]);
});

const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
});

const SEEDS = [VECTORS[0]!.listenerSeed!, VECTORS[0]!.diallerSeed!].map(bytes) as [Buffer, Buffer];
const [LISTENER_LINE, DIALLER_LINE] = SEEDS.map((seed) =>
  publicKeyLine({ bytes: publicOf(seed), comment: undefined }),
) as [string, string];
const keyOf = (seed: Buffer): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
const PSK = plain(bytes(VECTORS[1]!.psk!));
const own = Buffer.alloc(32, 0x33);

const MODES: {
  name: string;
  listens: Party;
  dials: Party;
  listen: ListenOptions;
  dial: DialOptions;
}[] = [
  {
    name: 'keys on both sides',
    listens: { mode: 'keys', seed: SEEDS[0], demand: true, process: own },
    dials: { mode: 'keys', seed: SEEDS[1], process: own },
    listen: { identity: keyOf(SEEDS[0]), peers: [DIALLER_LINE] },
    dial: { identity: keyOf(SEEDS[1]), peers: [LISTENER_LINE] },
  },
  {
    name: 'a key of the listener alone',
    listens: { mode: 'keys', seed: SEEDS[0], demand: false, process: own },
    dials: { mode: 'keys', process: own },
    listen: { identity: keyOf(SEEDS[0]), peers: 'anyone' },
    dial: { peers: [LISTENER_LINE] },
  },
  {
    name: 'a pre-shared key',
    listens: { mode: 'psk', psk: Buffer.from(PSK), process: own },
    dials: { mode: 'psk', psk: Buffer.from(PSK), process: own },
    listen: { psk: PSK },
    dial: { psk: PSK },
  },
];

async function listening(options: ListenOptions): Promise<Listener> {
  const listener = await listen('127.0.0.1:0', { backend: 'user', ...options });
  open.push({ destroy: () => void listener.close({ connections: 'destroy' }) });
  return listener;
}

async function converse(conn: Conn, peer: Peer): Promise<void> {
  peer.send(TYPE.DATA, Buffer.from('hello'));
  expect(Buffer.from((await conn.readMessage())!).toString()).toBe('hello');
  await conn.writeMessage('and back');
  expect((await peer.receiveType(TYPE.DATA)).payload.toString()).toBe('and back');
}

describe.each(MODES)('over a socket with $name', (mode) => {
  it('the independent peer dials', async () => {
    const listener = await listening(mode.listen);
    const peer = await Peer.dial(listener.addr.port);
    open.push(peer);
    await peer.proveAsDialler(mode.dials);
    const conn = await listener.accept();
    await converse(conn, peer);
  });

  it('the independent peer listens', async () => {
    const server = await Peer.listen();
    const dialled = dial(`127.0.0.1:${server.port}`, { backend: 'user', ...mode.dial });
    const peer = await server.accepted;
    open.push(peer);
    await peer.proveAsListener(mode.listens);
    const conn = await dialled;
    open.push(conn);
    server.close();
    await converse(conn, peer);
  });
});
