// Dials itself twice and prints which backend each connection got, and the codes of the process's warnings.
import { setImmediate } from 'node:timers/promises';
import { dial, listen } from 'pool-ts';

const warnings: (string | undefined)[] = [];
process.on('warning', (warning) => warnings.push((warning as Error & { code?: string }).code));
const listener = await listen({ host: '127.0.0.1', port: 0 });
const first = await dial({ host: '127.0.0.1', port: listener.addr.port });
const second = await dial({ host: '127.0.0.1', port: listener.addr.port });
await setImmediate(); // warnings are emitted one turn later
console.log(JSON.stringify({ backends: [first.backend, second.backend], warnings }));
await Promise.all([first.close(), second.close(), listener.close({ connections: 'close' })]);
