import type { Container, Node, Pod } from "../api/pods";
import { quantity } from "./quantity";

export interface Load {
  cpu: number;
  memory: number;
  pods: number;
}

/** What a pod asks for: its containers together with its sidecars, or its largest init container. Pure. */
export function requested(pod: Pod): Load {
  const of = (name: string) => {
    const sum = (all: Container[]) => all.reduce((total, each) => total + quantity(each.resources?.requests?.[name]), 0);
    const sidecars = (pod.spec.initContainers ?? []).filter((each) => each.restartPolicy === "Always");
    const first = (pod.spec.initContainers ?? []).filter((each) => each.restartPolicy !== "Always");
    const largest = Math.max(0, ...first.map((each) => quantity(each.resources?.requests?.[name])));
    return Math.max(sum([...pod.spec.containers, ...sidecars]), largest);
  };
  return { cpu: of("cpu"), memory: of("memory"), pods: 1 };
}

/** Whether a pod still takes part of its node: what has ended does not. */
export function isOnNode(pod: Pod): boolean {
  return pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";
}

export function total(pods: Iterable<Pod>): Load {
  const sum: Load = { cpu: 0, memory: 0, pods: 0 };
  for (const pod of pods) {
    if (!isOnNode(pod)) continue;
    const one = requested(pod);
    sum.cpu += one.cpu;
    sum.memory += one.memory;
    sum.pods += 1;
  }
  return sum;
}

export function allocatable(node: Node): Load {
  const of = node.status?.allocatable ?? {};
  return { cpu: quantity(of.cpu), memory: quantity(of.memory), pods: quantity(of.pods) };
}

/** What is wrong with a node, in its conditions' words; empty where nothing is. */
export function troubles(node: Node): string[] {
  const conditions = node.status?.conditions ?? [];
  const ready = conditions.find((each) => each.type === "Ready");
  const bad = conditions.filter((each) => each.type !== "Ready" && each.status === "True").map((each) => each.type);
  return [...(ready?.status === "True" ? [] : ["NotReady"]), ...bad];
}
