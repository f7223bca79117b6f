/** The documentation as the tests read it: its files, their headings, links and code blocks. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../programs/run.js';

export interface Block {
  /** File, heading and language, and which of them where there are several. */
  key: string;
  file: string;
  language: string;
  code: string;
}

/** Every Markdown file that is written by hand, relative to the root. */
export function documents(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return [...readdirSync(ROOT), ...below('docs'), ...below('examples')].filter(
    (name) => name.endsWith('.md') && !name.startsWith(join('docs', 'api')),
  );
}

export const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

export function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  for (const [, title, language = '', code = ''] of textOf(file).matchAll(/^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$/gms)) {
    if (title !== undefined) {
      heading = title;
      continue;
    }
    const key = `${file}, ${heading}, ${language}`;
    const same = blocks.filter((block) => block.key === key || block.key.startsWith(`${key} `)).length;
    blocks.push({ key: same === 0 ? key : `${key} ${same + 1}`, file, language, code });
  }
  return blocks;
}

const prose = (file: string): string => textOf(file).replaceAll(/^```.*?^```$/gms, '');

/** Where the links of a file lead, as written. */
export function linksOf(file: string): string[] {
  return [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** The fragments that a link into a file may have, made of its headings in GitHub's way. */
export function anchorsOf(file: string): string[] {
  return [...prose(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
