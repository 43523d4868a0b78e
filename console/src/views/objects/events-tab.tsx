import { useMemo } from "preact/hooks";
import type { Event } from "../../api/pods";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { Age } from "../../parts/age";
import { Badge } from "../../parts/badge";
import { KubectlLine } from "../../parts/kubectl-line";
import { useCluster, useLive } from "../../state/cluster";
import type { ObjectProps } from "./tabs";

/** What has happened to an object, the newest first, live. */
export function EventsTab(props: ObjectProps) {
  const cluster = useCluster();
  const { resource, namespace, name } = props;
  return (
    <>
      <Events {...props} />
      <KubectlLine line={kubectl(cluster.context, namespace, "events", "--for", `${resource.singular}/${name}`)} />
    </>
  );
}

export function Events({ resource, namespace, name }: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const within = namespace || "default"; // where events of things without a namespace are
  const store = cluster.stores.objects<Event>({
    path: `/api/v1/namespaces/${encodeURIComponent(within)}/events`,
    query: { fieldSelector: `involvedObject.kind=${resource.kind},involvedObject.name=${name}` },
  });
  const live = useLive(store);
  const events = useMemo(() => [...live.items.values()].toSorted((one, other) => lastOf(other).localeCompare(lastOf(one))), [live.version]);
  if (!events.length) return <p class="empty">{say(live.state.is === "loading" ? "live.loading" : "events.none")}</p>;
  return (
    <ol class="events">
      {events.map((event) => (
        <li key={event.metadata.uid}>
          <Badge tone={event.type === "Warning" ? "warn" : "done"}>{event.reason ?? ""}</Badge>
          <span>{event.message}</span>
          <small>
            <Age from={lastOf(event)} /> · {event.reportingComponent || event.source?.component}
            {timesOf(event) > 1 && ` · ×${timesOf(event)}`}
          </small>
        </li>
      ))}
    </ol>
  );
}

function lastOf(event: Event): string {
  return event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "";
}

function timesOf(event: Event): number {
  return event.series?.count ?? event.count ?? 1;
}
