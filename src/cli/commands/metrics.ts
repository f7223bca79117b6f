/** `pool-ts metrics`: the sessions of a device for Prometheus. */
import { Command } from 'commander';
import { DEVICE_OPTION } from '../common-options.js';
import { print, type Terminal } from '../terminal.js';

interface MetricsFlags {
  device?: string;
  listen: string;
  once?: boolean;
}

const EXAMPLES = `
Examples:
  pool-ts metrics                           serve http://127.0.0.1:9254/metrics of /dev/pool, or of $POOL_DEVICE, until ^C
  pool-ts metrics --listen :9254            on every address of the machine; the peers of all programs are told to anybody
  pool-ts metrics --device /tmp/pool --once > pool.prom      for node_exporter's textfile collector

It needs prom-client: npm install prom-client, where pool-ts is. Names and labels are those of the kernel module's exporter,
whose port 9254 is too. pool_up is 0 while the device is not there or does not answer; /health answers OK as long as the
command runs. With --once it ends with 69 then. Totals count what sessions have moved since they were seen first.
On the kernel module RTT, jitter and loss are its own figures, which mislead.`;

export function metricsCommand(terminal: Terminal): Command {
  return new Command('metrics')
    .description("tell Prometheus about the sessions of a device's table")
    .option(...DEVICE_OPTION)
    .option('--listen <host:port>', 'where HTTP is served', '127.0.0.1:9254')
    .option('--once', 'print the metrics and end')
    .addHelpText('after', EXAMPLES)
    .action((flags: MetricsFlags) => metrics(terminal, flags));
}

async function metrics(terminal: Terminal, { device, listen, once }: MetricsFlags): Promise<void> {
  const { deviceMetrics } = await import('../metrics/device-metrics.js');
  const { serveMetrics } = await import('../metrics/serve-metrics.js');
  const { devicePath, withDevice } = await import('../sessions/device-table.js');
  const { parseTcpAddress } = await import('../bridge/tcp-address.js');
  const address = parseTcpAddress(listen, 'listen');
  const collected = await deviceMetrics(devicePath(device, terminal.env));
  try {
    if (once === true) {
      await withDevice(device, terminal.env, (opened) => opened.sessions());
      await print(terminal, (await collected.text()).trimEnd());
      return;
    }
    await serveMetrics(terminal, collected, address);
  } finally {
    collected.stop();
  }
}
