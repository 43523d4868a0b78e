import { expect, test } from "vitest";
import { cellText, compareCells, matches } from "../../src/domain/rows";

test("a row matches where it has every word of the filter", () => {
  expect(matches("run WEB", ["web-1", "Running"])).toBe(true);
  expect(matches("run db", ["web-1", "Running"])).toBe(false);
  expect(matches("", ["web-1"])).toBe(true);
});

test("cells are ordered by what they count, else by their text", () => {
  expect(["10", "9", "100"].toSorted(compareCells)).toEqual(["9", "10", "100"]);
  expect(["2d", "3h", "45s"].toSorted(compareCells)).toEqual(["45s", "3h", "2d"]);
  expect(["web-10", "web-9"].toSorted(compareCells)).toEqual(["web-9", "web-10"]);
});

test("a cell of any type has a text", () => {
  expect([null, undefined, 3, "x", true, { a: 1 }].map(cellText)).toEqual(["", "", "3", "x", "true", '{"a":1}']);
});
