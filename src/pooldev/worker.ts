/** The file that pooldev's threads start with: the device's own thread, and the threads that copy for it. */
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import type { PoolError } from '../base/errors.js';
import { LoadGate } from '../base/load-gate.js';
import { MAX_SESSIONS } from '../poolioc/abi/constants.js';
import { layoutsToGive } from '../poolioc/abi/given-layouts.js';
import { structs } from '../poolioc/abi/structs.js';
import { loadRingLibc } from '../poolioc/rings/ring-libc.js';
import { createPoolNode } from '../poolnode/index.js';
import { copyChannel } from './memory/copy-channel.js';
import type { StartCopyThread } from './memory/copy-pool.js';
import { runCopyThread } from './memory/copy-thread.js';
import { RunningCopies } from './memory/running-copies.js';
import { type DeviceServer, serveDevice } from './device-server.js';
import { loadServerLibc } from './server-libc.js';
import { MountGate } from './mount/mount-gate.js';
import {
  type CopyMessage,
  type CopyRole,
  type DeviceCommand,
  type DeviceMessage,
  type DeviceRole,
  toErrorMessage,
  type WorkerRole,
} from './worker-messages.js';

const port = parentPort;
const role = workerData as WorkerRole;

if (port !== null) {
  if (role.role === 'pool-ts copy') void copy(port, role);
  else void serve(port, role);
}

async function copy(port: MessagePort, { shared, loads, running }: CopyRole): Promise<void> {
  const libc = new RunningCopies(running).counted(await new LoadGate(loads).load(loadServerLibc));
  const say = (message: CopyMessage): void => port.postMessage(message);
  say('ready');
  runCopyThread(copyChannel(shared), libc, () => say('done'));
}

async function serve(
  port: MessagePort,
  { path, source, options, workerFile, gate: shared, loads, running }: DeviceRole,
): Promise<void> {
  const gate = new MountGate(shared);
  const loading = new LoadGate(loads);
  let server: DeviceServer | null = null;
  let abandoned = false;
  // From the start: the program may end while this thread is mounting.
  port.on('message', (command: DeviceCommand) => {
    if (command.type === 'close') {
      void server?.close().then(() => closed());
      return;
    }
    abandoned = true;
    server?.disconnect();
  });
  // koffi aborts the process when its poll calls back into a thread that is being ended, for whatever reason.
  process.once('exit', () => server?.disconnect());
  const say = (message: DeviceMessage): void => port.postMessage(message);
  const closed = (error?: PoolError): void => {
    say(error === undefined ? { type: 'closed' } : { type: 'closed', error: toErrorMessage(error) });
    // It ends by itself once its copying threads have, where one of them hangs and nobody can end it.
    port.unref();
  };
  try {
    server = await serveDevice({
      libc: new RunningCopies(running).counted(await loading.load(loadServerLibc)),
      ringLibc: await loading.load(loadRingLibc),
      createNode: (reclaim) => createPoolNode({ maxSessions: MAX_SESSIONS, retainEnded: true, reclaim }),
      startCopyThread: copyThreads(workerFile, loads, running),
      path,
      source,
      options,
      warn: (code, text) => say({ type: 'warning', code, text }),
      mayMount: () => gate.enter(),
      abandoned: () => abandoned,
      disconnected: () => gate.release(),
      ended: closed,
    });
    say({ type: 'mounted', path: server.path, fd: server.fd });
  } catch (error) {
    say({ type: 'failed', error: toErrorMessage(error) });
  }
}

function copyThreads(workerFile: string, loads: SharedArrayBuffer, running: SharedArrayBuffer): StartCopyThread {
  return (shared, done) => {
    const copyRole: CopyRole = { role: 'pool-ts copy', shared, loads, running };
    const workerData = { ...copyRole, ...layoutsToGive(structs) };
    const worker = new Worker(workerFile, { workerData, execArgv: [] });
    const ready = new Promise<void>((settle, reject) => {
      worker.once('error', reject);
      worker.on('message', (message: CopyMessage) => (message === 'ready' ? settle() : done()));
    });
    // One that loads koffi would take the process with it.
    const stop = (): void => void ready.then(() => worker.terminate()).catch(() => undefined);
    return { ready, stop };
  };
}
