/** Finds in a text what could be a key, a proof or a plaintext of bytes, by its shape: nobody has to know the secret. */

/** What looks alike and is none: where a file lies, what stands in a public list, and what a key is known by. */
const PUBLIC = [
  /^\s+at .*$/gm,
  /(?:file:\/\/)?(?<![\w+/])\/(?:[\w.@~+-]+\/)+[\w.@~+-]*/g,
  /SHA256:[\w+/]{43}/g,
  /ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA[\w+/=]*/g,
  // What Node's parser of HTTP could not read stands in Node's own error, which ends the stream by its program's wish.
  /rawPacket: <Buffer[^>]*>/g,
  // A session's id stands in the plain header of its packets; a lock's name is the digest of a path.
  /\bsession [0-9a-f]{32}\b/g,
  /pool-ts\.\w+\.[0-9a-f]{32}/g,
];

/** 16 bytes and more; half a key is found as well as a whole one. */
const SHAPES = [
  { name: 'hex', pattern: /(?<![0-9a-f])(?:[0-9a-f]{2}[ :]?){16,}/i },
  // 22 characters are 16 bytes. Words and names have no capital, small letter and digit in that length, or have a dash.
  { name: 'base64', pattern: /(?<![\w+/])(?=[\w+/]*[A-Z])(?=[\w+/]*[a-z])(?=[\w+/]*\d)[\w+/]{22,}={0,2}/ },
  { name: 'a list of bytes', pattern: /(?<!\d)(?:\d{1,3}, ?){15,}\d/ },
  {
    name: 'bytes',
    pattern: /<Buffer |\b(?:Uint8Array|ArrayBuffer|SharedArrayBuffer)\b[^'"\n]*\{|\bUint8Array\(\d+\) \[/,
  },
  { name: 'a key', pattern: /PRIVATE KEY-----\s*[\w+/]{8}|(?:Private|Secret)KeyObject/ },
];

/** Fewer than so many different characters are a long word, not 16 bytes by chance. */
const VARIETY = 6;

/** The name of the first shape of key material in the text, with where it stands; null where there is none. */
export function keyMaterialIn(text: string): string | null {
  const rest = PUBLIC.reduce((left, pattern) => left.replace(pattern, ' '), text);
  for (const { name, pattern } of SHAPES) {
    const found = pattern.exec(rest);
    if (found !== null && new Set(found[0]).size >= VARIETY)
      return `${name}: ${rest.slice(Math.max(0, found.index - 60), found.index + 80)}`;
  }
  return null;
}
