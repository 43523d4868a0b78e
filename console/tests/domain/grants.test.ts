import { expect, test } from "vitest";
import { type Binding, grants, type Role } from "../../src/domain/grants";

const named = (name: string, namespace?: string) => ({ name, uid: name, resourceVersion: "1", ...(namespace ? { namespace } : {}) });
const view: Role = { metadata: named("view"), rules: [{ verbs: ["get", "list"], apiGroups: ["", "apps"], resources: ["pods"] }] };
const own: Role = {
  metadata: named("view", "shop"),
  rules: [
    { verbs: ["*"], apiGroups: [""], resources: ["secrets"], resourceNames: ["key"] },
    { verbs: ["get"], nonResourceURLs: ["/metrics"] },
  ],
};

function binding(name: string, namespace: string | undefined, kind: string, role: string): Binding {
  return {
    metadata: named(name, namespace),
    roleRef: { kind, name: role },
    subjects: [
      { kind: "User", name: "jane" },
      { kind: "ServiceAccount", name: "bot", namespace: "ci" },
    ],
  };
}

test("each subject has each rule of the role, in the binding's namespace or everywhere", () => {
  const found = grants([binding("all", undefined, "ClusterRole", "view"), binding("some", "shop", "ClusterRole", "view")], [view, own]);
  expect(found.map((each) => [each.who, each.verbs, each.what, each.namespace])).toEqual([
    ["User jane", "get, list", "pods, pods.apps", ""],
    ["ServiceAccount ci/bot", "get, list", "pods, pods.apps", ""],
    ["User jane", "get, list", "pods, pods.apps", "shop"],
    ["ServiceAccount ci/bot", "get, list", "pods, pods.apps", "shop"],
  ]);
});

test("a Role is its own namespace's, in which no path is; names and paths are told", () => {
  const found = grants([binding("own", "shop", "Role", "view")], [view, own]);
  expect(found.map((each) => each.what)).toEqual(["secrets (key)", "secrets (key)"]);
  const everywhere = grants([binding("all", undefined, "ClusterRole", "paths")], [{ metadata: named("paths"), rules: own.rules ?? [] }]);
  expect(everywhere.map((each) => each.what)).toEqual(["secrets (key)", "/metrics", "secrets (key)", "/metrics"]);
  expect(new Set(everywhere.map((each) => each.id)).size).toBe(4);
});

test("a role that is not there gives nothing", () => {
  expect(grants([binding("lost", "other", "Role", "view"), { ...binding("none", undefined, "ClusterRole", "view"), subjects: null }], [view, own])).toEqual([]);
});
