/** Whether a session's figures are the kernel module's, which mislead (kernel contract, section 3). */
import { stat } from 'node:fs/promises';
import { DEFAULT_DEVICE } from '../../index.js';

/** True for the module's character device; a device served from user space is a regular file, and measures. */
export async function isModule(
  backend: 'kernel' | 'user',
  device: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  if (backend === 'user') return false;
  const file = await stat(device ?? (env['POOL_DEVICE'] || DEFAULT_DEVICE)).catch(() => null);
  return file?.isCharacterDevice() ?? false;
}
