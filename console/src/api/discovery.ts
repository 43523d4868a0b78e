import type { Api } from "./http";

/** A kind of objects as the cluster serves it. `plural` is its name in paths. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  shortNames: string[];
  subresources: string[];
}

interface DiscoveredResource {
  resource: string;
  responseKind?: { kind?: string };
  scope: string;
  singularResource?: string;
  verbs?: string[];
  shortNames?: string[];
  subresources?: { subresource: string }[];
}

interface DiscoveredGroup {
  metadata?: { name?: string };
  versions?: { version: string; freshness?: string; resources?: DiscoveredResource[] }[];
}

const FORM = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Each kind once, in the version that the server prefers; those first that are looked at most. */
export async function discover(api: Api, signal?: AbortSignal): Promise<Resource[]> {
  const lists = await Promise.all(
    ["/api", "/apis"].map((path) =>
      api.json<{ items?: DiscoveredGroup[] }>(path, { accept: FORM, ...(signal ? { signal } : {}) }),
    ),
  );
  return resources(lists.flatMap((list) => list.items ?? []));
}

/** Pure: the kinds that these groups say they serve. */
export function resources(groups: DiscoveredGroup[]): Resource[] {
  const found = new Map<string, Resource>();
  for (const group of groups) {
    const name = group.metadata?.name ?? "";
    for (const version of group.versions ?? []) {
      for (const each of version.resources ?? []) {
        const key = `${name}/${each.resource}`;
        if (found.has(key) || !each.verbs?.includes("list")) continue;
        found.set(key, {
          group: name,
          version: version.version,
          plural: each.resource,
          singular: each.singularResource ?? each.resource,
          kind: each.responseKind?.kind ?? each.resource,
          namespaced: each.scope === "Namespaced",
          verbs: each.verbs,
          shortNames: each.shortNames ?? [],
          subresources: (each.subresources ?? []).map((one) => one.subresource),
        });
      }
    }
  }
  return [...found.values()];
}

/** `plural` in the core group, else `plural.group`, as kubectl names a kind without doubt. */
export function resourceName(resource: Pick<Resource, "group" | "plural">): string {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

/** The kind of a name that `resourceName` made, or of a plural, singular or short name. */
export function named(all: Resource[], name: string): Resource | undefined {
  return (
    all.find((each) => resourceName(each) === name) ??
    all.find((each) => each.plural === name || each.singular === name || each.shortNames.includes(name))
  );
}

export function apiVersion(resource: Pick<Resource, "group" | "version">): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

/** The path of all objects of a kind, of a namespace where one is named. */
export function collectionPath(resource: Resource, namespace = ""): string {
  const root = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`;
  const within = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${within}/${resource.plural}`;
}

export function objectPath(resource: Resource, namespace: string, name: string, subresource = ""): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource ? `${path}/${subresource}` : path;
}
