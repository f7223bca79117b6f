/** Delays of messages in boxes that are a tenth wider one after the other: hours of them take no more memory than one. */

const BOXES = 160;
const WIDER = 1.1;
/** ms of the first box. */
const FIRST = 0.01;

export class Delays {
  readonly boxes: number[];

  constructor(boxes: readonly number[] = []) {
    this.boxes = Array.from({ length: BOXES }, (_, box) => boxes[box] ?? 0);
  }

  add(ms: number): void {
    const box = Math.ceil(Math.log(Math.max(ms, FIRST) / FIRST) / Math.log(WIDER));
    this.boxes[Math.min(box, BOXES - 1)]! += 1;
  }

  join(boxes: readonly number[]): void {
    boxes.forEach((count, box) => (this.boxes[box]! += count));
  }

  /** ms that this part of the messages took at most; 0 of none. */
  quantile(part: number): number {
    const all = this.boxes.reduce((sum, count) => sum + count, 0);
    let passed = 0;
    for (const [box, count] of this.boxes.entries()) {
      passed += count;
      if (all > 0 && passed >= part * all) return FIRST * WIDER ** box;
    }
    return 0;
  }
}
