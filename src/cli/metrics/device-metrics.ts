/** The metrics of a device as text, with prom-client, which a user installs beside pool-ts. */
import type * as PoolMetrics from '../../metrics/index.js';
import type * as PromClient from 'prom-client';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

export interface DeviceMetrics {
  /** Of {@link text}. */
  contentType: string;
  /** All metrics as they are now, in Prometheus's text format. */
  text(): Promise<string>;
  stop(): void;
}

interface Packages {
  client: Pick<typeof PromClient, 'Registry'>;
  metrics: Pick<typeof PoolMetrics, 'collectPoolMetrics'>;
}

async function loadPackages(): Promise<Packages> {
  return { client: await import('prom-client'), metrics: await import('../../metrics/index.js') };
}

/** @throws (rejects) CliError UNAVAILABLE without prom-client */
export async function deviceMetrics(
  device: string,
  load: () => Promise<Packages> = loadPackages,
): Promise<DeviceMetrics> {
  const { client, metrics } = await load().catch((error: unknown) => {
    const { code, message = '' } = error as { code?: unknown; message?: string };
    // Node's loaders each have a code of their own for it: of modules with ERR_ before it, of CommonJS without.
    if (!String(code).endsWith('MODULE_NOT_FOUND') || !message.includes('prom-client')) throw error;
    const sentence =
      'prom-client is missing, which makes the text for Prometheus: npm install prom-client where pool-ts is';
    throw new CliError(EXIT.UNAVAILABLE, sentence, { cause: error });
  });
  const register = new client.Registry();
  const stop = metrics.collectPoolMetrics({ register, device });
  return { contentType: register.contentType, text: () => register.metrics(), stop };
}
