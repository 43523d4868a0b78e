import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { Api } from "../api/http";
import { collectionPath, type Resource } from "../api/discovery";
import type { KubeObject } from "../api/types";
import { type Deed, Rights } from "../api/rights";
import { type Live, type Store, Stores } from "../api/store";

/** One cluster, as all views of it share it. */
export class Cluster {
  readonly api: Api;
  readonly stores: Stores;
  readonly rights: Rights;

  constructor(
    readonly name: string,
    readonly resources: Resource[],
    /** Whether several clusters are looked at, so that kubectl's line has to name one. */
    readonly context: string,
    api: Api,
  ) {
    this.api = api;
    this.stores = new Stores(api);
    this.rights = new Rights(api);
  }

  /** The kind of a plural in a group; undefined where the cluster does not serve it. */
  kind(plural: string, group = ""): Resource | undefined {
    return this.resources.find((each) => each.plural === plural && each.group === group);
  }

  kindOf(apiVersion: string, kind: string): Resource | undefined {
    const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    return this.resources.find((each) => each.group === group && each.kind === kind);
  }
}

export const ClusterContext = createContext<Cluster | undefined>(undefined);

export function useCluster(): Cluster {
  const cluster = useContext(ClusterContext);
  if (!cluster) throw new Error("this view stands in no cluster");
  return cluster;
}

/** The list as it is now, and again whenever it changes. */
export function useLive<T>(store: Store<T>): Live<T> {
  const [, redraw] = useState(0);
  useEffect(() => {
    const stop = store.subscribe(() => redraw((n) => n + 1));
    redraw((n) => n + 1);
    return stop;
  }, [store]);
  return store.live;
}

/** Whether the user may do it; false until the cluster has said so. */
export function useMay(deed: Deed | undefined): boolean {
  const { rights } = useCluster();
  const [answer, setAnswer] = useState<{ key: string; may: boolean }>({ key: "", may: false });
  const key = deed ? JSON.stringify(deed) : "";
  useEffect(() => {
    if (!deed) return;
    let wanted = true;
    void rights.may(deed).then((may) => {
      if (wanted) setAnswer({ key, may });
    });
    return () => {
      wanted = false;
    };
  }, [rights, key]);
  return answer.key === key && answer.may;
}

/** One object, live; `object` is undefined while it is not known or there is none. */
export function useObject<T extends KubeObject>(resource: Resource, namespace: string, name: string): { object: T | undefined; live: Live<T> } {
  const { stores } = useCluster();
  const path = collectionPath(resource, namespace);
  const live = useLive(stores.objects<T>({ path, query: { fieldSelector: `metadata.name=${name}` } }));
  return { object: [...live.items.values()][0], live };
}
