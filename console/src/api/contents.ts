import type { Found } from "../domain/dependents";
import { collectionPath, type Resource } from "./discovery";
import type { Api } from "./http";
import { lean } from "./store";
import type { KubeList, KubeObject } from "./types";

/** What a namespace holds, by the metadata of its objects. */
export interface Contents {
  found: Found[];
  /** Kinds that could not be read, as the user may not, or not to their end, as there are too many objects. */
  unread: Resource[];
}

const FORM = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const MOST = 1000;

export async function contents(api: Api, resources: Resource[], namespace: string): Promise<Contents> {
  const kinds = resources.filter(isKept);
  const lists = await Promise.all(
    kinds.map((resource) =>
      api.json<KubeList<KubeObject>>(collectionPath(resource, namespace), { accept: FORM, query: { limit: MOST } }).catch(() => undefined),
    ),
  );
  return {
    found: kinds.flatMap((resource, at) => (lists[at]?.items ?? []).map((item) => ({ resource, item: lean(item) }))),
    unread: kinds.filter((_, at) => !lists[at] || lists[at].metadata.continue),
  };
}

/** Events are about objects, and what cannot be watched, as measurements, is stored nowhere. */
function isKept(resource: Resource): boolean {
  return resource.namespaced && resource.plural !== "events" && resource.verbs.includes("watch");
}
