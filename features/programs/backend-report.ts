// Dials itself twice, and prints which backend each connection got, how each was chosen, and the codes of the process's warnings.
import { subscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { dial, listen } from 'pool-ts';

const warnings: (string | undefined)[] = [];
process.on('warning', (warning) => warnings.push((warning as Error & { code?: string }).code));
const choices: unknown[] = [];
subscribe('pool.backend.select', (choice) => choices.push(choice));
const listener = await listen({ host: '127.0.0.1', port: 0 });
const first = await dial({ host: '127.0.0.1', port: listener.addr.port });
const second = await dial({ host: '127.0.0.1', port: listener.addr.port });
await setImmediate(); // warnings are emitted one turn later
console.log(JSON.stringify({ backends: [first.backend, second.backend], choices, warnings }));
await Promise.all([first.close(), second.close(), listener.close({ connections: 'close' })]);
