import { expect, test } from "vitest";
import { collectionPath, named, objectPath, resourceName, resources } from "../../src/api/discovery";

const found = resources([
  {
    versions: [
      {
        version: "v1",
        resources: [
          { resource: "pods", responseKind: { kind: "Pod" }, scope: "Namespaced", verbs: ["list"], shortNames: ["po"] },
          { resource: "bindings", scope: "Namespaced", verbs: ["create"] },
          { resource: "nodes", responseKind: { kind: "Node" }, scope: "Cluster", verbs: ["list"] },
        ],
      },
    ],
  },
  {
    metadata: { name: "autoscaling" },
    versions: ["v2", "v1"].map((version) => ({
      version,
      resources: [{ resource: "horizontalpodautoscalers", scope: "Namespaced", verbs: ["list"] }],
    })),
  },
]);

test("kinds that can be listed are there once, in the first version", () => {
  expect(found.map((each) => `${each.version} ${resourceName(each)}`)).toEqual([
    "v1 pods",
    "v1 nodes",
    "v2 horizontalpodautoscalers.autoscaling",
  ]);
});

test("a kind is found by each of its names", () => {
  expect(named(found, "po")?.kind).toBe("Pod");
  expect(named(found, "horizontalpodautoscalers.autoscaling")?.version).toBe("v2");
  expect(named(found, "secrets")).toBeUndefined();
});

test("paths name the namespace where the kind has one", () => {
  const [pods, nodes, scalers] = found;
  if (!pods || !nodes || !scalers) throw new Error("the kinds are not all there");
  expect(collectionPath(pods)).toBe("/api/v1/pods");
  expect(objectPath(pods, "a", "b", "log")).toBe("/api/v1/namespaces/a/pods/b/log");
  expect(objectPath(nodes, "a", "b")).toBe("/api/v1/nodes/b");
  expect(collectionPath(scalers, "a")).toBe("/apis/autoscaling/v2/namespaces/a/horizontalpodautoscalers");
});
