/**
 * A self-signed certificate for the TLS that the benchmark compares with, made at run time: Node has no X.509 generator,
 * and a key in the repository would be one too many. RFC 5280, section 4.1; Ed25519 as RFC 8410 has it.
 */
import { generateKeyPairSync, sign } from 'node:crypto';

/** DER: tag, length, contents (X.690, section 8.1). */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const bytes = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), body]);
}

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (...bytes: number[]): Buffer => der(0x06, Uint8Array.from(bytes));

const ED25519 = sequence(oid(0x2b, 101, 112));

/** RelativeDistinguishedName with a commonName (2.5.4.3) alone. */
const name = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid(0x55, 4, 3), der(0x0c, Buffer.from(commonName)))));

const utcTime = (date: Date): Buffer =>
  der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

/** Key and certificate in PEM, valid from yesterday for a week. */
export function selfSigned(commonName: string): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const day = 86_400_000;
  const issued = sequence(
    der(0x02, Uint8Array.of(1)), // serial number; a certificate without a version field is one of version 1
    ED25519,
    name(commonName),
    sequence(utcTime(new Date(Date.now() - day)), utcTime(new Date(Date.now() + 7 * day))),
    name(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign(null, issued, privateKey);
  const certificate = sequence(issued, ED25519, der(0x03, Uint8Array.of(0), signature));
  const base64 = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}
