import { describe, expect, it } from "vitest";
import { I18n } from "../src/shared/i18n";
import { metricName } from "../src/shared/metric";

const WORDS = { "charts.metric.accuracy": "Accuracy", "charts.validation": "Validation" };

describe("a metric's name", () => {
  it("says that it is of the validation, and stays as it is where nobody translated it", () => {
    const words = new I18n(WORDS, "en", "ltr");
    expect(metricName(words, "val_accuracy")).toBe("Accuracy (validation)");
    expect(metricName(words, "accuracy")).toBe("Accuracy");
    expect(metricName(words, "val_of_my_own")).toBe("val_of_my_own");
  });
});
