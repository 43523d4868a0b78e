import type { ComponentChildren } from "preact";
import type { ContainerStatus, Pod } from "../../api/pods";
import { podState, type Tone } from "../../domain/pod-state";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { Age } from "../../parts/age";
import { Badge } from "../../parts/badge";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { useCluster } from "../../state/cluster";
import { href } from "../../state/router";
import { Events } from "../objects/events-tab";
import type { ObjectProps } from "../objects/tabs";
import { usePod } from "./use-pod";

/** How a pod is: its state, its containers, and what happened to it. */
export function PodStateTab(props: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const { pod, live } = usePod(props.namespace, props.name);
  if (!pod) return <p class="empty">{live.state.is === "loading" ? say("live.loading") : say("objects.notFound", { name: props.name })}</p>;
  return (
    <div class="pod-state">
      <Facts pod={pod} />
      <LiveState live={live} />
      <h2>{say("pod.containers")}</h2>
      <Containers pod={pod} />
      <Conditions pod={pod} />
      <h2>{say("tab.events")}</h2>
      <Events {...props} />
      <KubectlLine line={kubectl(cluster.context, props.namespace, "describe", "pod", props.name)} />
    </div>
  );
}

function Facts({ pod }: { pod: Pod }) {
  const say = useMessages();
  const cluster = useCluster();
  const state = podState(pod);
  const node = pod.spec.nodeName;
  const owner = pod.metadata.ownerReferences?.find((each) => each.controller);
  const kind = owner ? cluster.kindOf(owner.apiVersion, owner.kind) : undefined;
  return (
    <dl class="facts">
      <Fact title={say("tab.state")}>
        <Badge tone={state.tone}>{state.text}</Badge>
      </Fact>
      <Fact title={say("pod.ready")}>{`${state.ready}/${state.containers}`}</Fact>
      <Fact title={say("pod.restarts")}>{state.restarts}</Fact>
      <Fact title={say("pod.node")}>{node ? <a href={href(cluster.name, "objects", ["nodes", "-", node])}>{node}</a> : "–"}</Fact>
      <Fact title={say("pod.address")}>{pod.status?.podIP ?? "–"}</Fact>
      <Fact title={say("pod.age")}>
        <Age from={pod.metadata.creationTimestamp} />
      </Fact>
      {owner && (
        <Fact title={say("pod.owner")}>
          {kind ? (
            <a href={href(cluster.name, "objects", [kind.group ? `${kind.plural}.${kind.group}` : kind.plural, pod.metadata.namespace ?? "-", owner.name])}>
              {`${owner.kind} ${owner.name}`}
            </a>
          ) : (
            `${owner.kind} ${owner.name}`
          )}
        </Fact>
      )}
      <Fact title={say("pod.quality")}>{pod.status?.qosClass ?? "–"}</Fact>
    </dl>
  );
}

function Fact({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Containers({ pod }: { pod: Pod }) {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const statuses = new Map([...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].map((each) => [each.name, each]));
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  return (
    <ul class="containers">
      {[...initContainers, ...containers, ...ephemeralContainers].map((container) => {
        const status = statuses.get(container.name);
        return (
          <li key={container.name}>
            <strong>{container.name}</strong>
            <Badge tone={containerTone(status)}>{containerWord(status)}</Badge>
            <code>{container.image}</code>
            {(status?.restartCount ?? 0) > 0 && <span>↻ {status?.restartCount}</span>}
            <small>{status?.state?.waiting?.message ?? status?.lastState?.terminated?.message}</small>
          </li>
        );
      })}
    </ul>
  );
}

function containerWord(status: ContainerStatus | undefined): string {
  const { running, waiting, terminated } = status?.state ?? {};
  if (running) return "Running";
  if (terminated) return terminated.reason ?? `ExitCode:${terminated.exitCode}`;
  return waiting?.reason ?? "Waiting";
}

function containerTone(status: ContainerStatus | undefined): Tone {
  const { running, terminated, waiting } = status?.state ?? {};
  if (running) return status?.ready ? "good" : "warn";
  if (terminated) return terminated.exitCode ? "bad" : "done";
  return /BackOff|Err|Invalid|Never/.test(waiting?.reason ?? "") ? "bad" : "busy";
}

function Conditions({ pod }: { pod: Pod }) {
  const told = (pod.status?.conditions ?? []).filter((each) => each.status !== "True" && each.message);
  if (!told.length) return null;
  return (
    <ul class="conditions">
      {told.map((each) => (
        <li key={each.type}>
          <strong>{each.type}</strong> {each.reason}: {each.message}
        </li>
      ))}
    </ul>
  );
}
