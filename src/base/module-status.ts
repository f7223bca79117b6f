/** What /proc/pool/status says of the module's listener (kernel contract, section 3). */

export interface ModuleStatus {
  listening: boolean;
  /** The port that is open, or the one that was open last. */
  port: number;
}

/** Null for null, which stands for no such file (no module, another mount namespace), and for text that says something unknown. */
export function parseModuleStatus(text: string | null): ModuleStatus | null {
  const status = /^\s*Status:\s*(listening|idle)\s*$/im.exec(text ?? '')?.[1];
  if (status === undefined) return null;
  const port = Number(/^\s*Listen port:\s*(\d+)/im.exec(text ?? '')?.[1] ?? 0);
  return { listening: status.toLowerCase() === 'listening', port };
}
