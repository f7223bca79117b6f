/** POOL in ten lines: `await` stands at the top level of the script. Run it with `npx tsx examples/top-level-await.ts`. */
import { dial, listen } from 'pool-ts';

const listener = await listen(':0');
const [conn, peer] = await Promise.all([dial({ host: '127.0.0.1', port: listener.addr.port }), listener.accept()]);

await conn.writeMessage('hello from the top level');
console.log(await peer.readText());

await Promise.all([conn.close(), peer.close(), listener.close()]);
