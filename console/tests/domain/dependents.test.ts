import { expect, test } from "vitest";
import type { Resource } from "../../src/api/discovery";
import { counted, type Found, goingWith, ownedBy } from "../../src/domain/dependents";

function found(kind: string, uid: string, ...owners: string[]): Found {
  const ownerReferences = owners.map((each) => ({ apiVersion: "v1", kind: "Any", name: each, uid: each }));
  return { resource: { kind } as Resource, item: { metadata: { name: uid, uid, resourceVersion: "1", ownerReferences } } };
}

const ALL = [found("Pod", "b", "set"), found("ReplicaSet", "set", "web"), found("Pod", "a", "set"), found("Pod", "shared", "set", "other"), found("Pod", "free")];

test("what is owned stands below its owner, of whatever kind and depth", () => {
  const [set] = ownedBy("web", ALL);
  expect(set?.item.metadata.name).toBe("set");
  expect(set?.owned.map((each) => each.item.metadata.name)).toEqual(["a", "b", "shared"]);
  expect(ownedBy("free", ALL)).toEqual([]);
});

test("owners in a circle end", () => {
  const circle = [found("Any", "a", "b"), found("Any", "b", "a")];
  expect(ownedBy("a", circle).map((each) => [each.item.metadata.name, each.owned])).toEqual([["b", []]]);
});

test("what has another owner stays", () => {
  expect(counted(goingWith("web", ALL))).toEqual([
    ["Pod", 2],
    ["ReplicaSet", 1],
  ]);
  expect(goingWith("other", ALL)).toEqual([]);
});
