/** The page to look things up in names all that there is: types hold these lists complete, and the page is held to them. */
import { expect, test } from 'vitest';
import { POOL_ERROR_CODES } from '../../src/base/errors.js';
import { namesOf } from '../../src/base/option-names.js';
import * as api from '../../src/index.js';
import type { Conn, DialOptions, Flow, ListenOptions } from '../../src/index.js';
import { textOf } from './markdown.js';

const page = textOf('docs/guide/api-at-a-glance.md');

/** The names in code of the table row that begins so. */
function namedIn(row: string): Set<string> {
  const line = page.split('\n').find((one) => one.startsWith(`| ${row}`));
  return new Set([...(line ?? '').matchAll(/`([A-Za-z_]+)/g)].map(([, name = '']) => name));
}

/** Options that dial and listen share, and those of dial alone. */
const SHARED = namesOf<Pick<DialOptions, keyof DialOptions & keyof ListenOptions>>({
  network: true,
  signal: true,
  peers: true,
  identity: true,
  psk: true,
  backend: true,
  device: true,
  channels: true,
  idleTimeout: true,
  writeStallTimeout: true,
  readQueueBytes: true,
  writeQueueBytes: true,
  maxSessions: true,
});
const DIAL_ALONE = namesOf<Omit<DialOptions, keyof ListenOptions>>({
  timeout: true,
  lookup: true,
  autoSelectFamily: true,
  autoSelectFamilyAttemptDelay: true,
});

const LISTEN_ALONE = namesOf<Omit<ListenOptions, keyof DialOptions>>({
  backlog: true,
  maxConnections: true,
  maxSessionsPerAddress: true,
  handshakes: true,
  blockList: true,
});

const CONN_ALONE = namesOf<Omit<Conn, keyof Flow>>({
  openChannel: true,
  channels: true,
  telemetry: true,
  info: true,
  sessionState: true,
  peer: true,
  server: true,
  id: true,
  backend: true,
  sessionIndex: true,
});

test('every option of dial', () => {
  const named = namedIn('`dial(');
  expect([...SHARED, ...DIAL_ALONE].filter((name) => !named.has(name))).toEqual([]);
});

test("every option of listen, and which of dial's it hasn't", () => {
  const named = namedIn('`listen(');
  expect(LISTEN_ALONE.filter((name) => !named.has(name))).toEqual([]);
  // "What begins with `autoSelect`" stands for two.
  expect(DIAL_ALONE.filter((name) => !name.startsWith('autoSelect') && !named.has(name))).toEqual([]);
});

test('what a Conn has alone', () => {
  expect(CONN_ALONE.filter((name) => !namedIn('`Conn` alone').has(name))).toEqual([]);
});

test('every export, and every code', () => {
  expect(Object.keys(api).filter((name) => !new RegExp(`\`${name}\\b`).test(page))).toEqual([]);
  expect(POOL_ERROR_CODES.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
