/**
 * The device file: what it is, whether this process may open it, and which devices pool-ts serves on this machine, as
 * /proc/self/mountinfo lists them (proc(5)).
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseMountInfo } from '../../base/mount-info.js';
import { fail, type Finding, ok, wantsDevice, warn, type Wish } from './finding.js';
import type { Probes } from './probes.js';

export interface DeviceFacts {
  finding: Finding;
  /** The kernel backend may be tried: there is something that could be a device. */
  usable: boolean;
  /** It exists, so that `auto` takes it. */
  exists: boolean;
  /** It is the kernel module's own. */
  character: boolean;
}

const CHECK = 'device file';
const MISSING = ['ENOENT', 'ENOTDIR'];

export async function deviceFile(
  probes: Pick<Probes, 'read' | 'stat' | 'access' | 'uid'>,
  wish: Wish,
): Promise<DeviceFacts> {
  const { device } = wish;
  const served = servedAt(device, probes);
  if (served !== undefined) {
    const by = served.pid === null ? 'pool-ts' : `pool-ts, process ${served.pid}`;
    return there(ok(CHECK, `${device} is mounted by ${by}, through FUSE`), { usable: true });
  }
  const kind = await probes.stat(device);
  if (typeof kind === 'object') {
    if (MISSING.includes(kind.code)) return missing(probes, wish);
    return there(unreachable(device, kind.code));
  }
  if (kind === 'other') return there(fail(CHECK, `${device} is no device and no file`, 'name the device file'));
  const refused = await probes.access(device);
  const character = kind === 'character device';
  if (refused !== null) return there(unreachable(device, refused, probes.uid, character), { character });
  if (character)
    return there(ok(CHECK, `${device} is a character device, and may be opened`), { usable: true, character });
  const says = `${device} is an ordinary file: nobody serves a device there`;
  const next = `name the device itself, or remove the file and start pool-ts device ${device}`;
  return there(fail(CHECK, says, next));
}

function missing(probes: Pick<Probes, 'read'>, wish: Wish): DeviceFacts {
  const { device } = wish;
  const [other] = servedDevices(probes);
  const instead =
    other === undefined
      ? 'for the kernel backend load pool.ko, or run pool-ts device'
      : `one is served at ${other.path}: POOL_DEVICE=${other.path} makes programs use it`;
  if (wish.backend === 'kernel') {
    return none(fail(CHECK, `${device} does not exist, and the kernel backend needs it`, instead));
  }
  if (wish.backend === 'user') return none(ok(CHECK, `${device} does not exist; the user backend needs none`));
  const says = `${device} does not exist: each program runs a POOL node of its own (user backend), and says so by a warning`;
  const quiet = 'POOL_BACKEND=user says that this is what you want';
  return none((wantsDevice(wish) ? fail : warn)(CHECK, says, other === undefined ? `${quiet}; ${instead}` : instead));
}

const none = (finding: Finding): DeviceFacts => ({ finding, usable: false, exists: false, character: false });

const there = (finding: Finding, more: Partial<DeviceFacts> = {}): DeviceFacts => ({
  finding,
  usable: false,
  exists: true,
  character: false,
  ...more,
});

/** The module makes its device 0600 root: the rule gives it to a group, at each load. */
const UDEV_RULE = `KERNEL=="pool", SUBSYSTEM=="pool", GROUP="pool", MODE="0660"`;

function unreachable(device: string, code: string, uid?: number, character = false): Finding {
  if (code === 'ENOTCONN') {
    const next = `start pool-ts device ${device} again, or take the mount away: fusermount3 -u ${device} (root: umount ${device})`;
    return fail(CHECK, `${device} is mounted and its server has ended (${code})`, next);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const who = uid === undefined ? 'this user' : `user ${uid}`;
    if (character) {
      const rule = `as root: groupadd -r pool; put ${UDEV_RULE} into /etc/udev/rules.d/60-pool.rules; udevadm control --reload; udevadm trigger --name-match=pool`;
      const next = `${rule}; usermod -aG pool with the user's name, who logs in again; or keep to the user backend: POOL_BACKEND=user`;
      return fail(CHECK, `${who} may not read and write ${device} (${code})`, next);
    }
    const next = `let chown or pool-ts device --mode 660 --allow-other give the right, or keep to the user backend: POOL_BACKEND=user`;
    return fail(CHECK, `${who} may not read and write ${device} (${code})`, next);
  }
  return fail(CHECK, `${device} can't be looked at (${code})`, 'name another with --device or POOL_DEVICE');
}

const TYPE = 'fuse.pool-ts';

export interface ServedDevice {
  path: string;
  /** Of the process that serves it. */
  pid: number | null;
}

function servedDevices({ read }: Pick<Probes, 'read'>): ServedDevice[] {
  const found = new Map<string, ServedDevice>();
  for (const { path, type, source } of parseMountInfo(read('/proc/self/mountinfo') ?? '')) {
    // Of several mounts at one place the last one is on top.
    found.delete(path);
    if (type === TYPE) found.set(path, { path, pid: Number(/^pool-ts-(\d+)-/.exec(source)?.[1] ?? NaN) || null });
  }
  return [...found.values()];
}

/** The device served at `path`, whatever symbolic links lead there. */
function servedAt(path: string, probes: Pick<Probes, 'read'>): ServedDevice | undefined {
  const wanted = resolved(path);
  return servedDevices(probes).find((device) => device.path === wanted);
}

/** The folder's links alone: to look at the file itself would ask its server, which may hang. */
function resolved(path: string): string {
  const absolute = resolve(path);
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}
