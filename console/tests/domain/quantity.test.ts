import { expect, test } from "vitest";
import { bytes, cores, quantity } from "../../src/domain/quantity";

test("quantities are numbers", () => {
  expect(["100m", "2", "1Gi", "1500Ki", "1e3", "0.5"].map(quantity)).toEqual([0.1, 2, 1073741824, 1536000, 1000, 0.5]);
  expect([undefined, "", "x"].map(quantity)).toEqual([0, 0, 0]);
});

test("numbers are read by people", () => {
  expect(cores(0.30000000004)).toBe("0.3");
  expect([0, 1023, 1536, 134217728, 5 * 2 ** 30].map(bytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "128 MiB", "5 GiB"]);
});
