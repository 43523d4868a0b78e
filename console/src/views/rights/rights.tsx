import { useMemo, useState } from "preact/hooks";
import { type Binding, type Grant, grants, type Role } from "../../domain/grants";
import { kubectl } from "../../domain/kubectl";
import { arranged, compareCells } from "../../domain/rows";
import { type Translate, useMessages } from "../../i18n";
import { KubectlLine } from "../../parts/kubectl-line";
import { LiveState } from "../../parts/live-state";
import { type Column, type Sorting, VirtualTable } from "../../parts/virtual-table";
import { useCluster, useLive } from "../../state/cluster";
import { amend, href, place } from "../../state/router";
import { useSignal } from "../../state/signal";

const ROOT = "/apis/rbac.authorization.k8s.io/v1";

/** Who may do what, by the roles that are bound to them, live. */
export function Rights() {
  const say = useMessages();
  const cluster = useCluster();
  const { filter = "" } = useSignal(place).query;
  const [sorting, setSorting] = useState<Sorting>({ by: "who", down: false });
  const { all, lists } = useGrants();
  const columns = useMemo(() => columnsOf(cluster.name, say), [cluster.name, say]);
  const rows = useMemo(() => shown(all, columns, filter, sorting), [all, columns, filter, sorting]);
  const worst = lists.find((each) => each.state.is !== "live") ?? lists[0];
  return (
    <section class="view">
      <header class="view-head">
        <h1>{say("nav.rights")}</h1>
        {worst && <LiveState live={worst} />}
        <span class="fill" />
        <input
          type="search"
          placeholder={say("rights.example")}
          aria-label={say("objects.filter")}
          value={filter}
          onInput={(event) => amend({ filter: event.currentTarget.value })}
        />
        <span class="count">{say("objects.count", { shown: rows.length, all: all.length })}</span>
      </header>
      {rows.length > 0 ? (
        <VirtualTable label={say("nav.rights")} columns={columns} rows={rows} id={(row) => row.id} sorting={sorting} sort={setSorting} />
      ) : (
        worst?.state.is !== "loading" && <p class="empty">{say(all.length ? "objects.noneMatch" : "objects.none")}</p>
      )}
      <KubectlLine line={kubectl(cluster.context, "", "get", "clusterrolebindings,rolebindings", "-A", "-o", "wide")} />
    </section>
  );
}

function useGrants() {
  const { stores } = useCluster();
  const roles = useLive(stores.objects<Role>({ path: `${ROOT}/roles` }));
  const clusterRoles = useLive(stores.objects<Role>({ path: `${ROOT}/clusterroles` }));
  const bindings = useLive(stores.objects<Binding>({ path: `${ROOT}/rolebindings` }));
  const clusterBindings = useLive(stores.objects<Binding>({ path: `${ROOT}/clusterrolebindings` }));
  const lists = [roles, clusterRoles, bindings, clusterBindings];
  const all = useMemo(
    () => grants([...bindings.items.values(), ...clusterBindings.items.values()], [...roles.items.values(), ...clusterRoles.items.values()]),
    lists.map((each) => each.version),
  );
  return { all, lists };
}

function columnsOf(cluster: string, say: Translate): Column<Grant>[] {
  const linked = (kind: string, namespace: string, name: string) => (
    <a href={href(cluster, "objects", [`${kind}.rbac.authorization.k8s.io`, namespace || "-", name])}>{name}</a>
  );
  return [
    { id: "who", title: say("rights.who"), text: (row) => row.who },
    { id: "verbs", title: say("rights.verbs"), text: (row) => row.verbs },
    { id: "what", title: say("rights.what"), text: (row) => row.what },
    { id: "where", title: say("rights.where"), text: (row) => row.namespace || say("rights.everywhere") },
    {
      id: "role",
      title: say("rights.role"),
      text: (row) => row.role.name,
      cell: (row) => linked(row.role.cluster ? "clusterroles" : "roles", row.role.cluster ? "" : row.namespace, row.role.name),
    },
    {
      id: "binding",
      title: say("rights.binding"),
      text: (row) => row.binding,
      cell: (row) => linked(row.namespace ? "rolebindings" : "clusterrolebindings", row.namespace, row.binding),
    },
  ];
}

function shown(all: Grant[], columns: Column<Grant>[], filter: string, sorting: Sorting): Grant[] {
  const by = columns.find((column) => column.id === sorting.by);
  return arranged(all, {
    filter,
    texts: (row) => columns.map((column) => column.text(row)),
    order: (one, other) => (by ? compareCells(by.text(one), by.text(other)) : 0),
    down: sorting.down,
  });
}
