import { useState } from "preact/hooks";
import { objectPath, resourceName } from "../../api/discovery";
import { kubectl } from "../../domain/kubectl";
import { useMessages } from "../../i18n";
import { DeedDialog } from "../../parts/deed-dialog";
import { Lazy } from "../../parts/lazy";
import { Tabs } from "../../parts/tabs";
import { useCluster, useMay } from "../../state/cluster";
import { go, href, place } from "../../state/router";
import { useSignal } from "../../state/signal";
import { Drain } from "../nodes/drain";
import { Actions } from "../workloads/actions";
import { GoingWith } from "./owned-tab";
import { type ObjectProps, TABS } from "./tabs";

/** One object: what is done with it, and what there is to see of it. */
export function ObjectPage({ resource, namespace, name }: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const { query } = useSignal(place);
  const tabs = TABS.filter((each) => each.fits(resource));
  const chosen = tabs.find((each) => each.id === query.tab) ?? tabs[0];
  const here = (tab: string) => href(cluster.name, "objects", [resourceName(resource), namespace || "-", name], { tab });
  return (
    <section class="view">
      <header class="view-head">
        <nav class="crumbs" aria-label={resource.kind}>
          <a href={href(cluster.name, "objects", [resourceName(resource)])}>{resource.kind}</a>
          {namespace && <span>{namespace}</span>}
        </nav>
        <h1>{name}</h1>
        <span class="fill" />
        <Actions resource={resource} namespace={namespace} name={name} />
        {resource.kind === "Node" && !resource.group && <Drain resource={resource} name={name} />}
        <Delete resource={resource} namespace={namespace} name={name} />
      </header>
      <Tabs label={name} chosen={chosen?.id ?? ""} tabs={tabs.map((tab) => ({ id: tab.id, title: say(tab.title), href: here(tab.id) }))} />
      {chosen && <Lazy key={chosen.id} load={chosen.load} props={{ resource, namespace, name }} />}
    </section>
  );
}

function Delete({ resource, namespace, name }: ObjectProps) {
  const say = useMessages();
  const cluster = useCluster();
  const [asking, setAsking] = useState(false);
  const may = useMay({ verb: "delete", group: resource.group, resource: resource.plural, namespace, name });
  if (!may) return null;
  const tellsOwned = resource.namespaced || (resource.kind === "Namespace" && !resource.group);
  const run = () =>
    cluster.api
      .raw(objectPath(resource, namespace, name), {
        method: "DELETE",
        body: JSON.stringify({ apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" }),
      })
      .then(() => go(href(cluster.name, "objects", [resourceName(resource)])));
  return (
    <>
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        {say("deed.delete")}
      </button>
      {asking && (
        <DeedDialog
          title={say("deed.deleteTitle", { kind: resource.kind, name })}
          verb={say("deed.delete")}
          danger
          line={kubectl(cluster.context, namespace, "delete", resourceName(resource), name)}
          run={run}
          close={() => setAsking(false)}
        >
          {tellsOwned ? <GoingWith resource={resource} namespace={namespace} name={name} /> : <p>{say("deed.deleteOwned")}</p>}
        </DeedDialog>
      )}
    </>
  );
}
