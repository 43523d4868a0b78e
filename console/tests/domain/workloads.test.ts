import { expect, test } from "vitest";
import type { Node, Pod } from "../../src/api/pods";
import { LogBuffer } from "../../src/domain/log-buffer";
import { allocatable, requested, total, troubles } from "../../src/domain/node-load";
import { rollout } from "../../src/domain/rollout";
import { tree } from "../../src/domain/tree";
import { ending } from "../../src/api/channels";

const meta = (name: string, owner = "") => ({
  name,
  uid: name,
  resourceVersion: "1",
  ...(owner ? { ownerReferences: [{ apiVersion: "v1", kind: "K", name: owner, uid: owner, controller: true }] } : {}),
});
const asking = (cpu: string) => ({ name: cpu, resources: { requests: { cpu, memory: "1Gi" } } });

test("objects stand below their controllers, orphans at the top", () => {
  const all = ["d", "r", "p2", "p1", "lost"].map((name) => ({
    metadata: meta(name, { r: "d", p1: "r", p2: "r", lost: "gone" }[name]),
  }));
  const [d, lost] = tree(all);
  expect(d?.item.metadata.name).toBe("d");
  expect(d?.owned[0]?.owned.map((each) => each.item.metadata.name)).toEqual(["p1", "p2"]);
  expect(lost?.item.metadata.name).toBe("lost");
});

test("a rollout is done when all pods are new and ready, and the controller has seen the change", () => {
  const workload = { metadata: { ...meta("d"), generation: 2 }, spec: { replicas: 3 } };
  const status = { observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 3 };
  expect(rollout("Deployment", { ...workload, status })).toMatchObject({ done: true, ready: 3, wanted: 3 });
  expect(rollout("Deployment", { ...workload, status: { ...status, observedGeneration: 1 } }).done).toBe(false);
  expect(rollout("Deployment", { ...workload, status: { ...status, replicas: 4 } }).done).toBe(false);
  const daemons = { observedGeneration: 2, desiredNumberScheduled: 2, numberReady: 1, updatedNumberScheduled: 2 };
  expect(rollout("DaemonSet", { ...workload, status: daemons })).toMatchObject({ wanted: 2, ready: 1, done: false });
});

test("a pod asks for its containers and sidecars, or for its largest init container", () => {
  const spec = {
    containers: [asking("200m"), asking("100m")],
    initContainers: [asking("1"), { ...asking("50m"), restartPolicy: "Always" }],
  };
  const pod: Pod = { metadata: meta("p"), spec };
  expect(requested(pod)).toEqual({ cpu: 1, memory: 3 * 2 ** 30, pods: 1 });
  expect(total([pod, { ...pod, status: { phase: "Succeeded" } }]).pods).toBe(1);
});

test("a node says what it has, and what is wrong with it", () => {
  const conditions = [
    { type: "Ready", status: "Unknown" },
    { type: "DiskPressure", status: "True" },
    { type: "MemoryPressure", status: "False" },
  ];
  const node: Node = { metadata: meta("n"), spec: {}, status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" }, conditions } };
  expect(allocatable(node)).toEqual({ cpu: 4, memory: 8 * 2 ** 30, pods: 110 });
  expect(troubles(node)).toEqual(["NotReady", "DiskPressure"]);
});

test("a log keeps its last lines, and says how many it dropped", () => {
  const buffer = new LogBuffer(10);
  for (let at = 0; at < 13; at += 1) buffer.add(`Line ${at}`);
  expect(buffer.shown("")).toMatchObject({ dropped: 3 });
  expect(buffer.shown("LINE 12").lines).toEqual(["Line 12"]);
});

test("a command's end is its code, or why it did not run", () => {
  expect(ending('{"status":"Success"}').code).toBe(0);
  const failed = { status: "Failure", message: "exit 3", details: { causes: [{ reason: "ExitCode", message: "3" }] } };
  expect(ending(JSON.stringify(failed)).code).toBe(3);
  expect(ending("gone")).toEqual({ code: -1, message: "gone" });
});
