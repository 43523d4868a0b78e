import { expect, test } from "vitest";
import { age, secondsOf } from "../../src/domain/age";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const ago = (seconds: number) => age(new Date(NOW - seconds * 1000).toISOString(), NOW);

test("ages have kubectl's form", () => {
  expect([45, 119, 200, 600, 7200, 10_800, 100_000, 200_000, 86_400 * 12].map(ago)).toEqual([
    "45s",
    "119s",
    "3m20s",
    "10m",
    "120m",
    "3h",
    "27h",
    "2d7h",
    "12d",
  ]);
  expect(age(undefined, NOW)).toBe("");
});

test("an age in a table is as many seconds as it says", () => {
  expect(["45s", "3m20s", "2d7h", "1y3d"].map(secondsOf)).toEqual([45, 200, 198_000, 31_795_200]);
  expect(secondsOf("Running")).toBeNaN();
  expect(secondsOf("")).toBeNaN();
});
