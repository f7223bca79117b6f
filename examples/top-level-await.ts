/** POOL in ten lines: `await` stands at the top level of the script. Run it with `npx tsx examples/top-level-await.ts`. */
import { dial, listen } from 'pool-ts';

const listener = await listen(':0');
const [conn, peer] = await Promise.all([dial({ host: '127.0.0.1', port: listener.addr.port }), listener.accept()]);

await conn.writeMessages(['one message', 'and another'].map((text) => Buffer.from(text)));
await conn.close(); // what was written goes out first

for await (const message of peer) console.log(Buffer.from(message).toString());
await Promise.all([peer.close(), listener.close()]);
