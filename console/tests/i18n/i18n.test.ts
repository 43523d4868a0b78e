import { expect, test } from "vitest";
import { spoken, translate } from "../../src/i18n";
import { en } from "../../src/i18n/en";
import { zh } from "../../src/i18n/zh";

const words = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted();

test("each message names the same things in every language", () => {
  for (const message of Object.keys(en) as (keyof typeof en)[]) expect(words(zh[message])).toEqual(words(en[message]));
});

test("the language is the one chosen, else the browser's first that there is", () => {
  expect(spoken("zh", ["en-US"])).toBe("zh");
  expect(spoken("", ["fr", "zh-CN", "en"])).toBe("zh");
  expect(spoken("", ["fr"])).toBe("en");
});

test("words stand in their places", () => {
  expect(translate("zh", "objects.count", { shown: 1, all: 2 })).toBe("1 / 2");
});
