/** As much of a terminal as the command line uses: what a person would see, and whether anything ran over the edge. */
import { textWidth } from '../../src/cli/screen/text-width.js';

const TOKEN = /\x1b\[([?\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]/gu;

export class VirtualScreen {
  readonly columns: number;
  readonly rows: number;
  /** On the alternate screen: characters beyond the end of a line, and lines below the last one. */
  overflows = 0;
  alternate = false;
  cursorShown = true;
  wraps = true;
  /** How often the alternate screen was entered and left. */
  entered = 0;
  left = 0;
  #cells: string[][];
  #x = 0;
  #y = 0;
  #rest = '';

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#cells = this.#blank();
  }

  write(text: string): void {
    // A sequence may be cut by the end of a chunk.
    const whole = this.#rest + text;
    const cut = /\x1b(\[[?\d;]*)?$/.exec(whole);
    this.#rest = cut?.[0] ?? '';
    for (const [token, parameters, command] of whole.slice(0, whole.length - this.#rest.length).matchAll(TOKEN)) {
      if (command !== undefined) this.#command(parameters ?? '', command);
      else if (token === '\r') this.#x = 0;
      else if (token === '\n') this.#lineFeed();
      else this.#put(token);
    }
  }

  /** What is shown, without blanks at the ends of lines. */
  lines(): string[] {
    return this.#cells.map((cells) => cells.join('').trimEnd());
  }

  text(): string {
    return this.lines().join('\n');
  }

  #put(character: string): void {
    const width = textWidth(character);
    if (this.#x + width > this.columns) {
      if (this.alternate) {
        this.overflows += 1;
        return;
      }
      this.#x = 0;
      this.#lineFeed();
    }
    this.#cells[this.#y]![this.#x] = character;
    this.#x += width;
  }

  #lineFeed(): void {
    if (this.#y < this.rows - 1) {
      this.#y += 1;
      return;
    }
    if (this.alternate) this.overflows += 1;
    this.#cells.shift();
    this.#cells.push(this.#blankLine());
  }

  #command(parameters: string, command: string): void {
    if (command === 'H') [this.#x, this.#y] = [0, 0];
    else if (command === 'A') this.#y = Math.max(0, this.#y - Number(parameters || 1));
    else if (command === 'G') this.#x = Number(parameters || 1) - 1;
    else if (command === 'K' && parameters === '2') this.#cells[this.#y] = this.#blankLine();
    else if (command === 'K') this.#cells[this.#y]!.fill(' ', Math.min(this.#x, this.columns - 1));
    else if (command === 'J') {
      this.#cells[this.#y]!.fill(' ', Math.min(this.#x, this.columns - 1));
      for (let y = this.#y + 1; y < this.rows; y += 1) this.#cells[y] = this.#blankLine();
    } else if (command === 'h' || command === 'l') this.#mode(parameters, command === 'h');
    else if (command !== 'm') throw new Error(`the virtual screen does not know ESC [ ${parameters} ${command}`);
  }

  #mode(parameters: string, on: boolean): void {
    if (parameters === '?25') this.cursorShown = on;
    else if (parameters === '?7') this.wraps = on;
    else if (parameters === '?1049') {
      this.alternate = on;
      if (on) this.entered += 1;
      else this.left += 1;
      if (on) this.#cells = this.#blank();
      [this.#x, this.#y] = [0, 0];
    }
  }

  #blank(): string[][] {
    return Array.from({ length: this.rows }, () => this.#blankLine());
  }

  #blankLine(): string[] {
    return new Array<string>(this.columns).fill(' ');
  }
}
