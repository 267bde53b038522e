/** Exponential moving average without the bias of its start at zero (Kingma & Ba 2015, section 3), point by point. */

export class Smoother {
  private sum = 0;
  private weight = 0;

  /** `factor` in [0, 1): the share of the past in each new value; 0 leaves a series as it is. */
  constructor(readonly factor: number) {
    if (!(factor >= 0 && factor < 1)) throw new RangeError(`smoothing is ${factor}; allowed is 0 up to below 1.`);
  }

  /** The average after each of `values` from index `start` on, into `out`. A value that is not finite gives NaN and is forgotten. */
  extend(values: Float32Array, out: Float32Array, start: number): void {
    const { factor } = this;
    let { sum, weight } = this;
    for (let index = start; index < values.length; index++) {
      const value = values[index] as number;
      if (Number.isFinite(value)) {
        sum = factor * sum + (1 - factor) * value;
        weight = factor * weight + (1 - factor);
        out[index] = sum / weight;
      } else {
        out[index] = Number.NaN;
      }
    }
    this.sum = sum;
    this.weight = weight;
  }
}
