// Dials as often as its parent says, sends one message on each session, and then does nothing until it is killed.
import { dial } from '../../src/index.js';

async function dialAll({ port, sessions }: { port: number; sessions: number }): Promise<void> {
  for (let i = 0; i < sessions; i++) {
    const conn = await dial({ host: '127.0.0.1', port }, { backend: 'user' });
    await conn.writeMessage('here');
  }
}

process.once('message', (order: { port: number; sessions: number }) => void dialAll(order));
