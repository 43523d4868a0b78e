import { useMemo, useState } from "preact/hooks";
import { collectionPath, type Resource, resourceName } from "../../api/discovery";
import type { TableColumn, TableRow } from "../../api/types";
import { kubectl } from "../../domain/kubectl";
import { arranged, cellText, compareCells } from "../../domain/rows";
import { useMessages } from "../../i18n";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { type Column, type Sorting, VirtualTable } from "../../parts/virtual-table";
import { useCluster, useLive, useMay } from "../../state/cluster";
import { amend, href, place } from "../../state/router";
import { namespace } from "../../state/settings";
import { useSignal } from "../../state/signal";

/** All objects of a kind, live, in the columns that the server gives them. */
export function ObjectTable({ resource }: { resource: Resource }) {
  const say = useMessages();
  const cluster = useCluster();
  const { query } = useSignal(place);
  const chosen = useSignal(namespace);
  const within = resource.namespaced ? chosen : "";
  const { filter = "", labels = "" } = query;
  const live = useLive(
    cluster.stores.table({ path: collectionPath(resource, within), query: { labelSelector: labels } }),
  );
  const columns = useMemo(
    () => tableColumns(cluster.name, resource, live.columns, resource.namespaced && !within, say("bar.namespace")),
    [live.columns, resource, within],
  );
  const [sorting, setSorting] = useState<Sorting>({ by: "", down: false });
  const rows = useMemo(() => shownRows([...live.items.values()], columns, filter, sorting), [live.version, columns, filter, sorting]);
  const scope = resource.namespaced && !within ? "-A" : "";
  return (
    <section class="view">
      <header class="view-head">
        <h1>{resource.kind}</h1>
        <LiveState live={live} />
        <span class="fill" />
        <Filters filter={filter} labels={labels} />
        <NewLink resource={resource} within={within} />
        <span class="count">{say("objects.count", { shown: rows.length, all: live.items.size })}</span>
      </header>
      {rows.length > 0 && (
        <VirtualTable
          label={resource.kind}
          columns={columns}
          rows={rows}
          id={(row) => row.object.metadata.uid}
          sorting={sorting}
          sort={setSorting}
        />
      )}
      {!rows.length && live.state.is !== "loading" && (
        <p class="empty">{live.items.size ? say("objects.noneMatch") : say("objects.none")}</p>
      )}
      <KubectlLine line={kubectl(cluster.context, within, "get", resourceName(resource), scope, ...(labels ? ["-l", labels] : []))} />
    </section>
  );
}

/** To where an object of the kind is made, for who may. */
function NewLink({ resource, within }: { resource: Resource; within: string }) {
  const say = useMessages();
  const cluster = useCluster();
  const deed = { group: resource.group, resource: resource.plural, namespace: within };
  const mayCreate = useMay({ ...deed, verb: "create" });
  const mayApply = useMay({ ...deed, verb: "patch" });
  if (!mayCreate || !mayApply || !resource.verbs.includes("patch")) return null;
  return (
    <a class="button" href={href(cluster.name, "objects", [resourceName(resource)], { new: "1" })}>
      {say("create.new")}
    </a>
  );
}

function Filters({ filter, labels }: { filter: string; labels: string }) {
  const say = useMessages();
  return (
    <>
      <input
        type="search"
        placeholder={say("objects.filter")}
        aria-label={say("objects.filter")}
        value={filter}
        onInput={(event) => amend({ filter: event.currentTarget.value })}
      />
      <input
        type="text"
        class="labels"
        placeholder={say("objects.labelsExample")}
        aria-label={say("objects.labels")}
        defaultValue={labels}
        onChange={(event) => amend({ labels: event.currentTarget.value.trim() })}
      />
    </>
  );
}

/** The server's columns, those that are for wide tables left out; the first one leads to the object. */
function tableColumns(
  cluster: string,
  resource: Resource,
  given: readonly TableColumn[],
  withNamespace: boolean,
  namespaceTitle: string,
): Column<TableRow>[] {
  const columns = given.flatMap((column, at): Column<TableRow>[] => {
    if (column.priority > 0) return [];
    const text = (row: TableRow) => cellText(row.cells[at]);
    const linked = (row: TableRow) => (
      <a href={objectHref(cluster, resource, row.object.metadata.namespace, row.object.metadata.name)}>{text(row)}</a>
    );
    return [{ id: column.name, title: column.name, text, ...(at === 0 ? { cell: linked } : {}) }];
  });
  const where = { id: " namespace", title: namespaceTitle, text: (row: TableRow) => row.object.metadata.namespace ?? "" };
  return withNamespace && columns.length ? [where, ...columns] : columns;
}

export function objectHref(cluster: string, resource: Resource, namespace: string | undefined, name: string): string {
  const at = namespace === undefined || namespace === "" ? "-" : namespace;
  return href(cluster, "objects", [resourceName(resource), at, name]);
}

function shownRows(all: TableRow[], columns: Column<TableRow>[], filter: string, sorting: Sorting): TableRow[] {
  const by = columns.find((column) => column.id === sorting.by);
  return arranged(all, {
    filter,
    texts: (row) => [...columns.map((column) => column.text(row)), row.object.metadata.name],
    order: (one, other) => (by ? compareCells(by.text(one), by.text(other)) : key(one).localeCompare(key(other))),
    down: sorting.down,
  });
}

function key(row: TableRow): string {
  return `${row.object.metadata.namespace ?? ""}/${row.object.metadata.name}`;
}
