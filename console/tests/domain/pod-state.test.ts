import { expect, test } from "vitest";
import type { ContainerStatus, Pod } from "../../src/api/pods";
import { podState } from "../../src/domain/pod-state";

const metadata = { name: "p", uid: "u", resourceVersion: "1" };
const status = (more: Partial<ContainerStatus>): ContainerStatus => ({ name: "a", ready: false, restartCount: 0, image: "i", ...more });
const pod = (changes: Partial<Pod["status"]>, spec: Partial<Pod["spec"]> = {}, meta = {}): Pod => ({
  metadata: { ...metadata, ...meta },
  spec: { containers: [{ name: "a" }], ...spec },
  status: { phase: "Pending", ...changes },
});

test("a pod that runs and is ready is well", () => {
  const found = podState(pod({ phase: "Running", containerStatuses: [status({ ready: true, restartCount: 2, state: { running: {} } })] }));
  expect(found).toEqual({ text: "Running", tone: "good", ready: 1, containers: 1, restarts: 2 });
});

test("why a container waits or ended is the pod's state", () => {
  const waits = pod({ containerStatuses: [status({ state: { waiting: { reason: "CrashLoopBackOff" } } })] });
  expect(podState(waits)).toMatchObject({ text: "CrashLoopBackOff", tone: "bad" });
  const ended = pod({ phase: "Failed", containerStatuses: [status({ state: { terminated: { exitCode: 3 } } })] });
  expect(podState(ended)).toMatchObject({ text: "ExitCode:3", tone: "bad" });
  const done = pod({ phase: "Succeeded", containerStatuses: [status({ state: { terminated: { exitCode: 0, reason: "Completed" } } })] });
  expect(podState(done)).toMatchObject({ text: "Completed", tone: "done" });
});

test("init containers come first, and say how far they are", () => {
  const spec = { initContainers: [{ name: "x" }, { name: "y" }] };
  const first = status({ name: "x", state: { terminated: { exitCode: 0 } } });
  const second = pod({ initContainerStatuses: [first, status({ name: "y", state: { running: {} } })] }, spec);
  expect(podState(second)).toMatchObject({ text: "Init:1/2", tone: "busy" });
  const fails = pod({ initContainerStatuses: [status({ name: "x", state: { waiting: { reason: "ErrImagePull" } } })] }, spec);
  expect(podState(fails)).toMatchObject({ text: "Init:ErrImagePull", tone: "bad" });
});

test("a sidecar that has started holds nothing up, and counts as a container", () => {
  const spec = { initContainers: [{ name: "s", restartPolicy: "Always" }] };
  const sidecar = status({ name: "s", ready: true, started: true, state: { running: {} } });
  const main = status({ ready: true, state: { running: {} } });
  const found = podState(pod({ phase: "Running", initContainerStatuses: [sidecar], containerStatuses: [main] }, spec));
  expect(found).toMatchObject({ text: "Running", ready: 2, containers: 2 });
});

test("a pod that is being deleted is said to be, one behind gates too", () => {
  expect(podState(pod({}, {}, { deletionTimestamp: "2026-01-01T00:00:00Z" }))).toMatchObject({ text: "Terminating", tone: "busy" });
  const conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }];
  expect(podState(pod({ conditions })).text).toBe("SchedulingGated");
});
