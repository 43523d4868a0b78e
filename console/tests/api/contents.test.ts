import { expect, test } from "vitest";
import { contents } from "../../src/api/contents";
import type { Resource } from "../../src/api/discovery";
import { type Api, ApiError } from "../../src/api/http";

const kind = (plural: string, verbs = ["list", "watch"]): Resource => ({
  group: "",
  version: "v1",
  plural,
  singular: plural,
  kind: plural,
  namespaced: true,
  verbs,
  shortNames: [],
  subresources: [],
});

test("what is read has no values of Secrets, and what is not read, or not to its end, is named", async () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "values", kept: "1" };
  const secret = { metadata: { name: "keys", uid: "1", resourceVersion: "1", annotations } };
  const json = (path: string) => {
    if (path.endsWith("/secrets")) return Promise.resolve({ metadata: {}, items: [secret] });
    if (path.endsWith("/pods")) return Promise.resolve({ metadata: { continue: "x" }, items: [] });
    return Promise.reject(new ApiError(403, "Forbidden", "no"));
  };
  const kinds = [kind("secrets"), kind("pods"), kind("roles"), kind("events"), kind("metrics", ["list"])];
  const held = await contents({ json } as unknown as Api, kinds, "default");
  expect(held.found.map((each) => each.item.metadata.annotations)).toEqual([{ kept: "1" }]);
  expect(held.unread.map((each) => each.plural)).toEqual(["pods", "roles"]);
});
