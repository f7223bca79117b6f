/** Options of a node with a name that nobody knows: refused before any socket is opened. */
import { expect, it } from 'vitest';
import { createPoolNode, processNode } from '../../src/poolnode/index.js';

const refusal = (message: string) => expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message }) as Error;

it('refuses what is no option of a node', () => {
  const options = { maxSesions: 5 } as object;
  const message = 'there is no option "maxSesions": did you mean maxSessions?';
  expect(() => createPoolNode(options)).toThrow(refusal(message));
  expect(() => processNode(options, {})).toThrow(refusal(message));
});

it.each([
  [{ conectTimeout: 5 }, 'there is no option "conectTimeout": did you mean connectTimeout?'],
  [{ sginal: 5 }, 'there is no option "sginal": did you mean signal?'],
])('refuses what is no option of a dial: %j', async (wrong, message) => {
  const connect = () => {
    throw new Error('a socket was opened');
  };
  const node = createPoolNode({}, { connect });
  const options = { host: '127.0.0.1', port: 1, ...wrong };
  expect(await node.dial(options).catch((error: unknown) => error)).toEqual(refusal(message));
});

it.each([
  [{ ipv6only: true }, 'there is no option "ipv6only": did you mean ipv6Only?'],
  [{ handshakes: { pendign: 5 } }, 'there is no option "pendign": did you mean pending?'],
])('refuses what is no option of a listener: %j', async (wrong: object, message) => {
  const options = { host: '127.0.0.1', port: 0, session: () => {}, ...wrong };
  expect(
    await createPoolNode()
      .listen(options)
      .catch((error: unknown) => error),
  ).toEqual(refusal(message));
});
