import type { Manifest } from "../domain/manifest";
import { withoutManagers } from "../domain/managers";
import { objectPath } from "./discovery";
import { type Api, ApiError } from "./http";
import { FIELD_MANAGER } from "./patch";

const YAML = "application/yaml";
const APPLY = "application/apply-patch+yaml";

/** What applying an object would change: `before` is empty where there is none yet. */
export interface Trial {
  manifest: Manifest;
  before: string;
  after: string;
}

/** Raises ApiError, also where another manager's field would be changed. */
export async function tried(api: Api, manifest: Manifest): Promise<Trial> {
  const before = await api.text(pathOf(manifest), { accept: YAML }).catch((why: unknown) => {
    if (why instanceof ApiError && why.code === 404) return "";
    throw why;
  });
  const after = await applied(api, manifest, true);
  return { manifest, before: withoutManagers(before), after: withoutManagers(after) };
}

/** Server-side apply, as `kubectl apply --server-side`. Raises ApiError. */
export function applied(api: Api, manifest: Manifest, dryRun: boolean): Promise<string> {
  return api.text(pathOf(manifest), {
    method: "PATCH",
    query: { fieldManager: FIELD_MANAGER, fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined },
    accept: YAML,
    contentType: APPLY,
    body: manifest.body,
  });
}

function pathOf({ resource, namespace, name }: Manifest): string {
  return objectPath(resource, namespace, name);
}
