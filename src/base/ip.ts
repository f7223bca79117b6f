/**
 * IP addresses as bytes and as text. The structures of pool.h carry 16 bytes in network order: IPv6, or IPv4 mapped into it
 * (RFC 4291, section 2.5.5.2). Text is numeric and without brackets.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Bytes } from './bytes.js';

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
const MAPPED_TEXT = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The 16 bytes of a numeric address; a scope id is left out, for bytes have no room for it.
 * @throws TypeError for what is no address: the caller asks node:net's isIP where it doesn't know
 */
export function ipToBytes(text: string): Bytes {
  if (isIPv4(text)) return Uint8Array.of(...MAPPED_PREFIX, ...text.split('.').map(Number));
  if (!isIPv6(text)) throw new TypeError(`${JSON.stringify(text)} is no IP address`);
  return Uint8Array.from(ipv6Words(text).flatMap((word) => [word >> 8, word & 0xff]));
}

/** The address of 16 bytes: IPv4 where they map one, otherwise canonical IPv6 (RFC 5952). */
export function ipFromBytes(bytes: Uint8Array): string {
  const words = Buffer.from(bytes).toString('hex').match(/.{4}/g)!;
  return mappedToIpv4(bytes) ?? canonicalIpv6(words.join(':'));
}

/** Whether 16 bytes are an IPv4-mapped address. False for any other length. */
export function isV4Mapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && MAPPED_PREFIX.every((byte, at) => bytes[at] === byte);
}

/** The IPv4 address that 16 bytes map, as text; null when they are no mapped address. */
export function mappedToIpv4(bytes: Uint8Array): string | null {
  return isV4Mapped(bytes) ? bytes.subarray(12).join('.') : null;
}

/** The IPv4 address in a text such as `::ffff:10.0.0.1`, which is how a dual-stack socket names IPv4; other text unchanged. */
export function unmapIpv4(text: string): string {
  return MAPPED_TEXT.exec(text)?.[1] ?? text;
}

/** Canonical text of an IPv6 address without a scope id, as RFC 5952 has it; a mapped one keeps its `::ffff:`. */
export function canonicalIpv6(text: string): string {
  return new SocketAddress({ address: text, family: 'ipv6', port: 0, flowlabel: 0 }).address;
}

/** Host and port as one word; an IPv6 address gets its brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** fe80::/10: an address that means nothing without a scope id (RFC 4007), which pool.h's structures can't carry. */
export function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** The eight words of a valid IPv6 address; a dotted tail counts as two (RFC 4291, section 2.2). */
export function ipv6Words(text: string): number[] {
  const words = (part: string): number[] =>
    part.split(':').flatMap((word) => {
      if (word === '') return [];
      if (!word.includes('.')) return [parseInt(word, 16)];
      const [a, b, c, d] = word.split('.').map(Number) as [number, number, number, number];
      return [a * 256 + b, c * 256 + d];
    });
  const [head = '', tail = ''] = text.split('%', 1)[0]!.split('::');
  const [before, after] = [words(head), words(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
