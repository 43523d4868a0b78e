import { expect, test } from "vitest";
import { href, parsed } from "../../src/domain/places";

test("a link leads to the place that it was made for", () => {
  const place = { cluster: "a/b", view: "objects", parts: ["pods", "default", "web 1"], query: { filter: "x&y" } };
  expect(parsed(href(place.cluster, place.view, place.parts, place.query))).toEqual(place);
});

test("an address that names nothing is no place, and one that is damaged does no harm", () => {
  expect(parsed("")).toEqual({ cluster: "", view: "", parts: [], query: {} });
  expect(parsed("#/lab/objects/%E0%A4%A").parts).toEqual(["%E0%A4%A"]);
});
