import type { Pod } from "../api/pods";

/** What happens to the pods of a node that is drained, as `kubectl drain` has it. */
export interface DrainPlan {
  evicted: Pod[];
  /** Those of DaemonSets, which would come back at once, and of the node's own files. */
  kept: Pod[];
  /** Those of no controller, which nobody makes again. */
  unmanaged: Pod[];
  /** Those whose emptyDir volumes are lost. */
  local: Pod[];
}

const MIRROR = "kubernetes.io/config.mirror";

/** Pure. */
export function drainPlan(pods: Iterable<Pod>): DrainPlan {
  const all = [...pods].toSorted((one, other) => one.metadata.name.localeCompare(other.metadata.name));
  const stays = (pod: Pod) => controller(pod) === "DaemonSet" || pod.metadata.annotations?.[MIRROR] !== undefined;
  const evicted = all.filter((pod) => !stays(pod));
  return {
    evicted,
    kept: all.filter(stays),
    unmanaged: evicted.filter((pod) => !controller(pod)),
    local: evicted.filter((pod) => pod.spec.volumes?.some((volume) => volume.emptyDir)),
  };
}

/** The arguments of kubectl that do the same. */
export function drainWords(node: string, plan: DrainPlan): string[] {
  return [
    "drain",
    node,
    "--ignore-daemonsets",
    plan.local.length ? "--delete-emptydir-data" : "",
    plan.unmanaged.length ? "--force" : "",
  ];
}

function controller(pod: Pod): string {
  return pod.metadata.ownerReferences?.find((each) => each.controller)?.kind ?? "";
}
