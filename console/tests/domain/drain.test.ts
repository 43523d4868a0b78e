import { expect, test } from "vitest";
import type { Pod } from "../../src/api/pods";
import { drainPlan, drainWords } from "../../src/domain/drain";

function pod(name: string, owner = "", more: { annotations?: Record<string, string>; emptyDir?: object } = {}): Pod {
  const ownerReferences = owner ? [{ apiVersion: "apps/v1", kind: owner, name: "o", uid: "o", controller: true }] : [];
  return {
    metadata: { name, namespace: "default", uid: name, resourceVersion: "1", ownerReferences, annotations: more.annotations ?? {} },
    spec: { containers: [], ...(more.emptyDir ? { volumes: [{ name: "v", emptyDir: more.emptyDir }] } : {}) },
  };
}
const names = (pods: Pod[]) => pods.map((each) => each.metadata.name);

test("DaemonSets' pods and those of files stay, and what is lost is named", () => {
  const plan = drainPlan([
    pod("web", "ReplicaSet", { emptyDir: {} }),
    pod("agent", "DaemonSet"),
    pod("static", "Node", { annotations: { "kubernetes.io/config.mirror": "x" } }),
    pod("alone"),
  ]);
  expect([plan.evicted, plan.kept, plan.unmanaged, plan.local].map(names)).toEqual([["alone", "web"], ["agent", "static"], ["alone"], ["web"]]);
  expect(drainWords("n1", plan).join(" ")).toBe("drain n1 --ignore-daemonsets --delete-emptydir-data --force");
});

test("flags that are not needed are left out", () => {
  expect(drainWords("n1", drainPlan([pod("web", "ReplicaSet")])).filter(Boolean)).toEqual(["drain", "n1", "--ignore-daemonsets"]);
});
