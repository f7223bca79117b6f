/** What is uncaught in the process while a test does something. */
export async function uncaughtIn(work: () => Promise<void>): Promise<string[]> {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught: string[] = [];
  process.on('uncaughtException', ({ message: text }) => uncaught.push(text));
  try {
    await work();
    // What was thrown last is thrown by now.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  return uncaught;
}
