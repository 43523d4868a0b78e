import type { Api } from "./http";
import type { KubeObject, KubeList, Table, TableColumn, TableRow, WatchEvent } from "./types";
import { follow, type Source, type WatchState } from "./watch";

export const TABLE_FORM = "application/json;as=Table;v=v1;g=meta.k8s.io";
/** Whoever looks at a list is told of its changes so often at most: people read no faster. */
const TOLD_EVERY_MS = 120;
/** A list that nobody looks at is followed on for so long: views are left and come back to. */
const KEPT_MS = 20_000;

/** A list that is followed. `version` grows with each change that watchers are told of. */
export interface Live<T> {
  items: ReadonlyMap<string, T>;
  columns: readonly TableColumn[];
  state: WatchState;
  /** When changes were missed last, and everything was read anew (ms since 1970); 0 for never. */
  gapAt: number;
  version: number;
}

/** One stream for each list, however many look at it. */
export class Stores {
  private readonly stores = new Map<string, Store<unknown>>();

  constructor(private readonly api: Api) {}

  objects<T extends KubeObject>(source: Source): Store<T> {
    return this.at(`objects ${source.path} ${JSON.stringify(source.query)}`, () => objectStore<T>(this.api, source));
  }

  table(source: Source): Store<TableRow> {
    const table = { ...source, accept: TABLE_FORM };
    return this.at(`table ${source.path} ${JSON.stringify(source.query)}`, () => tableStore(this.api, table));
  }

  close(): void {
    for (const store of this.stores.values()) store.close();
    this.stores.clear();
  }

  private at<T>(key: string, make: () => Store<T>): Store<T> {
    let found = this.stores.get(key) as Store<T> | undefined;
    if (!found) {
      found = make();
      found.whenClosed = () => this.stores.delete(key);
      this.stores.set(key, found as Store<unknown>);
    }
    return found;
  }
}

type Start<T> = (store: Store<T>, signal: AbortSignal) => Promise<void>;

/** Follows its list while somebody is subscribed, and a little longer. */
export class Store<T> {
  live: Live<T> = { items: new Map(), columns: [], state: { is: "loading" }, gapAt: 0, version: 0 };
  whenClosed: () => void = () => undefined;
  private items = new Map<string, T>();
  private readonly listeners = new Set<() => void>();
  private abort: AbortController | undefined;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private closing: ReturnType<typeof setTimeout> | undefined;
  private listed = false;

  constructor(private readonly start: Start<T>) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    clearTimeout(this.closing);
    if (!this.abort) {
      this.abort = new AbortController();
      void this.start(this, this.abort.signal);
    }
    return () => {
      this.listeners.delete(listener);
      if (!this.listeners.size) this.closing = setTimeout(() => this.close(), KEPT_MS);
    };
  }

  close(): void {
    clearTimeout(this.closing);
    clearTimeout(this.telling);
    this.telling = undefined;
    this.abort?.abort();
    this.abort = undefined;
    this.whenClosed();
  }

  replace(items: Map<string, T>, columns: readonly TableColumn[] = []): void {
    this.items = items;
    const gapAt = this.listed ? Date.now() : 0;
    this.listed = true;
    this.live = { ...this.live, columns, gapAt };
    this.tell();
  }

  put(key: string, item: T): void {
    this.items.set(key, item);
    this.tell();
  }

  remove(key: string): void {
    this.items.delete(key);
    this.tell();
  }

  say(state: WatchState): void {
    this.live = { ...this.live, state };
    this.tell();
  }

  private tell(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.live = { ...this.live, items: this.items, version: this.live.version + 1 };
      for (const listener of this.listeners) listener();
    }, TOLD_EVERY_MS);
  }
}

function objectStore<T extends KubeObject>(api: Api, given: Source): Store<T> {
  const source = { ...given, socket: true };
  return new Store<T>((store, signal) =>
    follow<KubeList<T>, T>(
      api,
      source,
      {
        replaced: (lists) => {
          const items = lists.flatMap((list) => list.items).map(lean);
          store.replace(new Map(items.map((item) => [item.metadata.uid, item])));
        },
        changed: (events) => {
          for (const event of events) take(store, event.type, event.object.metadata.uid, lean(event.object));
        },
        state: (state) => store.say(state),
      },
      signal,
    ),
  );
}

function tableStore(api: Api, source: Source): Store<TableRow> {
  return new Store<TableRow>((store, signal) =>
    follow<Table, Table>(
      api,
      source,
      {
        replaced: (tables) => {
          const rows = tables.flatMap((table) => table.rows).map(leanRow);
          store.replace(new Map(rows.map((row) => [row.object.metadata.uid, row])), tables[0]?.columnDefinitions ?? []);
        },
        changed: (events) => {
          for (const event of events) {
            for (const row of event.object.rows) take(store, event.type, row.object.metadata.uid, leanRow(row));
          }
        },
        state: (state) => store.say(state),
      },
      signal,
    ),
  );
}

function take<T>(store: Store<T>, type: WatchEvent<T>["type"], key: string, item: T): void {
  if (type === "DELETED") store.remove(key);
  else store.put(key, item);
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * The object without what only servers and kubectl read: it is a third of a pod, and thousands of pods are kept. Of a
 * Secret, what was applied last holds its values.
 */
export function lean<T extends KubeObject>(object: T): T {
  delete (object.metadata as ObjectWithManagers).managedFields;
  delete object.metadata.annotations?.[LAST_APPLIED];
  return object;
}

function leanRow(row: TableRow): TableRow {
  lean(row.object);
  return row;
}

interface ObjectWithManagers {
  managedFields?: unknown;
}
