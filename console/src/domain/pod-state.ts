import type { Container, ContainerStatus, Pod } from "../api/pods";

/** What a pod's state means for whoever looks at many of them; each has a colour and a mark of its own. */
export type Tone = "good" | "busy" | "warn" | "bad" | "done";

export interface PodState {
  text: string;
  tone: Tone;
  ready: number;
  containers: number;
  restarts: number;
}

const BUSY = new Set(["Pending", "ContainerCreating", "PodInitializing", "Terminating", "SchedulingGated"]);

/** The pod's state in the word that kubectl has for it. Pure. */
export function podState(pod: Pod): PodState {
  const text = word(pod);
  const statuses = pod.status?.containerStatuses ?? [];
  const sidecars = (pod.status?.initContainerStatuses ?? []).filter((each) => isSidecar(pod.spec.initContainers, each));
  const counted = [...statuses, ...sidecars];
  const containers = pod.spec.containers.length + (pod.spec.initContainers ?? []).filter(restartsAlways).length;
  const ready = statuses.length ? counted.filter((each) => each.ready).length : readyAsSaid(pod) ? containers : 0;
  const restarts = counted.reduce((total, each) => total + each.restartCount, 0);
  return { text, tone: tone(text, ready, containers), ready, containers, restarts };
}

function word(pod: Pod): string {
  const { status, metadata } = pod;
  if (metadata.deletionTimestamp) return status?.reason === "NodeLost" ? "Unknown" : "Terminating";
  const starting = initWord(pod);
  if (starting) return starting;
  let text = status?.reason ?? status?.phase ?? "Pending";
  const gated = status?.conditions?.find((each) => each.type === "PodScheduled" && each.reason === "SchedulingGated");
  if (gated) text = "SchedulingGated";
  let running = false;
  for (const each of (status?.containerStatuses ?? []).toReversed()) {
    running ||= each.ready && each.state?.running !== undefined;
    text = stopped(each) ?? text;
  }
  return text === "Completed" && running ? (readyAsSaid(pod) ? "Running" : "NotReady") : text;
}

/** Which init container is waited for: `Init:1/2`, or why it fails; empty where all are through. */
function initWord(pod: Pod): string {
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [at, each] of statuses.entries()) {
    if (each.state?.terminated?.exitCode === 0) continue;
    if (isSidecar(pod.spec.initContainers, each) && each.started) continue;
    const why = stopped(each);
    return why && why !== "PodInitializing" ? `Init:${why}` : `Init:${at}/${pod.spec.initContainers?.length ?? statuses.length}`;
  }
  return "";
}

function stopped(status: ContainerStatus): string | undefined {
  const { waiting, terminated } = status.state ?? {};
  if (waiting?.reason) return waiting.reason;
  if (!terminated) return undefined;
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function tone(text: string, ready: number, containers: number): Tone {
  if (text === "Running") return ready === containers ? "good" : "warn";
  if (text === "Completed" || text === "Succeeded") return "done";
  if (BUSY.has(text) || /^Init:\d/.test(text)) return "busy";
  return text === "NotReady" || text === "Unknown" ? "warn" : "bad";
}

function readyAsSaid(pod: Pod): boolean {
  return pod.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false;
}

function isSidecar(containers: Container[] | undefined, status: ContainerStatus): boolean {
  const container = containers?.find((each) => each.name === status.name);
  return container !== undefined && restartsAlways(container);
}

function restartsAlways(container: Container): boolean {
  return container.restartPolicy === "Always";
}
