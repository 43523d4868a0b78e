import { expect, test } from "vitest";
import { diff, excerpt } from "../../src/domain/diff";

const told = (before: string[], after: string[]) =>
  diff(before.join("\n"), after.join("\n")).map((line) => `${{ same: " ", added: "+", removed: "-" }[line.is]}${line.text}`);

test("a change is the lines that went and those that came", () => {
  expect(told(["a", "b", "c"], ["a", "x", "c"])).toEqual([" a", "-b", "+x", " c"]);
  expect(told(["a", "b", "c", "d"], ["a", "c", "d", "e"])).toEqual([" a", "-b", " c", " d", "+e"]);
  expect(told(["a"], ["a"])).toEqual([" a"]);
});

test("an excerpt has what stands around the changes", () => {
  const before = Array.from({ length: 30 }, (_, at) => String(at));
  const after = before.with(15, "x");
  expect(excerpt(diff(before.join("\n"), after.join("\n")), 1).map((line) => line.text)).toEqual(["14", "15", "x", "16"]);
  expect(excerpt(diff("a", "a"))).toEqual([]);
});
