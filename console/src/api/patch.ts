import type { Api } from "./http";

/** By which the API server knows what the console has written. */
export const FIELD_MANAGER = "podlab-console";

/** How the API server takes in a patch, as its content type names it. */
type PatchType = "merge-patch" | "strategic-merge-patch";

/** Raises ApiError. */
export function patch(api: Api, path: string, type: PatchType, body: unknown): Promise<unknown> {
  return api.raw(path, {
    method: "PATCH",
    query: { fieldManager: FIELD_MANAGER },
    contentType: `application/${type}+json`,
    body: JSON.stringify(body),
  });
}
