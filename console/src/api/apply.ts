import type { Manifest } from "../domain/manifest";
import { withoutManagers } from "../domain/managers";
import { objectPath } from "./discovery";
import { type Api, isMissing } from "./http";
import { FIELD_MANAGER } from "./patch";

const YAML = "application/yaml";
const APPLY = "application/apply-patch+yaml";

/** That the server would take an object, and what that would change. */
export interface Trial {
  manifest: Manifest;
  /** Undefined for a Secret, whose values nobody has asked for. `before` is empty where there is no such object yet. */
  change: { before: string; after: string } | undefined;
}

/** Raises ApiError, also where another manager's field would be changed. */
export async function tried(api: Api, manifest: Manifest): Promise<Trial> {
  const after = await applied(api, manifest, true);
  if (manifest.resource.kind === "Secret") return { manifest, change: undefined };
  const before = await api.text(pathOf(manifest), { accept: YAML }).catch((why: unknown) => {
    if (isMissing(why)) return "";
    throw why;
  });
  return { manifest, change: { before: withoutManagers(before), after: withoutManagers(after) } };
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
