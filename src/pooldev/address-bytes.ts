/** Addresses as the device's structs hold them, 16 bytes in network order, and as a dial takes them. */
import { isIPv4, isIPv6 } from 'node:net';
import { ipv4ToMapped, mappedToIpv4 } from '../poolioc/mapped.js';

/** 16 bytes in network order; IPv4 becomes IPv4-mapped, a scope id is dropped: the struct has no room for one. */
export function addressBytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const plain = address.split('%', 1)[0] ?? '';
  if (isIPv4(plain)) return ipv4ToMapped(plain);
  if (isIPv6(plain)) {
    const groups = ipv6Groups(plain);
    const view = new DataView(bytes.buffer);
    groups.forEach((group, index) => view.setUint16(2 * index, group));
  }
  return bytes;
}

/** The text of 16 address bytes, as a dial takes it: IPv4-mapped ones as IPv4. */
export function addressText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const mapped = mappedToIpv4(bytes);
  if (mapped !== null) return mapped;
  return Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16)).join(':');
}

/** fe80::/10: it needs a scope id, which the call can't carry. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

function ipv6Groups(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    return ipv6Groups(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string) =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const [left, right] = [groups(head), groups(tail)];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}
