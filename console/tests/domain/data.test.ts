import { expect, test } from "vitest";
import { concealed, entries } from "../../src/domain/data";

test("a Secret's values are decoded, and what is no text is told by its size alone", () => {
  const found = entries("Secret", { data: { word: btoa("\xc3\xa4h"), key: btoa("\xff\x00") } });
  expect(found).toEqual([
    { key: "key", bytes: 2, text: undefined },
    { key: "word", bytes: 3, text: "äh" },
  ]);
  expect(concealed(found).map((each) => each.text)).toEqual([undefined, undefined]);
  expect(concealed(found).map((each) => each.bytes)).toEqual([2, 3]);
});

test("a ConfigMap's values are text, and its binary ones stand among them", () => {
  expect(entries("ConfigMap", { data: { b: "ä" }, binaryData: { a: btoa("\xff") } })).toEqual([
    { key: "a", bytes: 1, text: undefined },
    { key: "b", bytes: 2, text: "ä" },
  ]);
  expect(entries("ConfigMap", {})).toEqual([]);
});
