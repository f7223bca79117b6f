/** An unsigned number of 64 bits as two of 32: what a bigint would hold, without an object for each value. */
const WORD = 2 ** 32;

export class Words {
  high = 0;
  low = 0;

  /** Takes `value` modulo 2^64. */
  set(value: bigint): void {
    this.high = Number(BigInt.asUintN(32, value >> 32n));
    this.low = Number(BigInt.asUintN(32, value));
  }

  put(high: number, low: number): void {
    this.high = high;
    this.low = low;
  }

  /** One more, modulo 2^64. */
  increment(): void {
    this.low = this.low + 1;
    if (this.low < WORD) return;
    this.low = 0;
    this.high = (this.high + 1) % WORD;
  }

  get value(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  is(high: number, low: number): boolean {
    return this.low === low && this.high === high;
  }

  /** Whether this is below the number of those two words. */
  isBelow(high: number, low: number): boolean {
    return this.high < high || (this.high === high && this.low < low);
  }
}
