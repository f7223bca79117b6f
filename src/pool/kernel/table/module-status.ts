/** What /proc/pool/status says of the module's listener (kernel contract, section 3). */
import type { ProcFiles } from '../../../poolioc/closing/kernel-thread.js';

export interface ModuleStatus {
  listening: boolean;
  /** The port that is open, or the one that was open last. */
  port: number;
}

/** Null where the file isn't there (no module, another mount namespace) or says something unknown. */
export function readModuleStatus(proc: ProcFiles): ModuleStatus | null {
  const text = proc.read('pool/status');
  if (text === null) return null;
  const status = /^\s*Status:\s*(listening|idle)\s*$/im.exec(text)?.[1];
  if (status === undefined) return null;
  const port = Number(/^\s*Listen port:\s*(\d+)/im.exec(text)?.[1] ?? 0);
  return { listening: status.toLowerCase() === 'listening', port };
}
