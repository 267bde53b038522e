/** Exponential moving average without the bias of its start at zero (Kingma & Ba 2015, section 3), point by point. */

export class Smoother {
  private sum = 0;
  private weight = 0;

  /** `factor` in [0, 1): the share of the past in each new value; 0 leaves a series as it is. */
  constructor(readonly factor: number) {
    if (!(factor >= 0 && factor < 1)) throw new RangeError(`smoothing is ${factor}; allowed is 0 up to below 1.`);
  }

  /** The average after one more value. A value that is not finite gives NaN and is forgotten. */
  next(value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    this.sum = this.factor * this.sum + (1 - this.factor) * value;
    this.weight = this.factor * this.weight + (1 - this.factor);
    return this.sum / this.weight;
  }
}
