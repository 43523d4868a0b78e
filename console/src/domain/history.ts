import type { KubeObject } from "../api/types";

/** A pod's template, as a workload has it now or had it once. */
export interface Template {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: unknown;
}

/** A ReplicaSet, which keeps a revision of a Deployment, or a ControllerRevision, which keeps that of the others. */
export interface KeptRevision extends KubeObject {
  spec?: { template?: Template };
  data?: { spec?: { template?: Template & { $patch?: string } } };
  revision?: number;
}

export interface Revision {
  uid: string;
  number: number;
  since: string;
  /** Why it was made, where somebody has said so. */
  cause: string;
  template: Template;
}

const NUMBER = "deployment.kubernetes.io/revision";
const CAUSE = "kubernetes.io/change-cause";
/** The label that a Deployment's ReplicaSets add. */
const HASH = "pod-template-hash";

/** What is kept of a workload's history, the newest first. Pure. */
export function revisions(owner: string, kept: Iterable<KeptRevision>): Revision[] {
  return [...kept]
    .filter((each) => each.metadata.ownerReferences?.some((one) => one.controller && one.uid === owner))
    .map((each) => ({
      uid: each.metadata.uid,
      number: each.revision ?? Number(each.metadata.annotations?.[NUMBER] ?? 0),
      since: each.metadata.creationTimestamp ?? "",
      cause: each.metadata.annotations?.[CAUSE] ?? "",
      template: withoutMarks(each),
    }))
    .toSorted((one, other) => other.number - one.number);
}

/** A template as lines that can be compared: keys in order, whatever order they came in. */
export function lines(template: Template): string {
  return JSON.stringify(template, (_, value: unknown) => ordered(value), 2);
}

/** The strategic merge patch that makes a template the workload's, as `kubectl rollout undo` does. */
export function undoing(template: Template): object {
  return { spec: { template: { $patch: "replace", ...template } } };
}

function withoutMarks(kept: KeptRevision): Template {
  const template: Template = without(kept.data?.spec?.template ?? kept.spec?.template ?? {}, "$patch");
  return { ...template, metadata: { ...template.metadata, labels: without(template.metadata?.labels ?? {}, HASH) } };
}

function without<T extends object>(all: T, name: string): T {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== name)) as T;
}

function ordered(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => !(key === "creationTimestamp" && each === null))
      .toSorted(([one], [other]) => one.localeCompare(other)),
  );
}
