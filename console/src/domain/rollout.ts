import type { Workload } from "../api/pods";

/** How far a workload is: of `wanted` pods, so many are ready, and so many are of the newest template. */
export interface Rollout {
  wanted: number;
  ready: number;
  updated: number;
  total: number;
  done: boolean;
}

/** Pure: read off the status of a Deployment, StatefulSet, ReplicaSet or DaemonSet. */
export function rollout(kind: string, workload: Workload): Rollout {
  const { spec = {}, status = {}, metadata } = workload;
  const seen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const wanted = kind === "DaemonSet" ? (status.desiredNumberScheduled ?? 0) : (spec.replicas ?? 1);
  const ready = (kind === "DaemonSet" ? status.numberReady : status.readyReplicas) ?? 0;
  const total = kind === "DaemonSet" ? wanted : (status.replicas ?? 0);
  const newest = kind === "DaemonSet" ? status.updatedNumberScheduled : status.updatedReplicas;
  const updated = kind === "ReplicaSet" ? total : (newest ?? 0);
  return { wanted, ready, updated, total, done: seen && updated >= wanted && ready >= wanted && total <= wanted };
}
