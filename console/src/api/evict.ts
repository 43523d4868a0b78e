import { type Api, ApiError, isMissing } from "./http";
import { pause } from "./pause";
import type { Pod } from "./pods";

/** How far the eviction of a pod is. A disruption budget that refuses it is asked again. */
export type Eviction = { is: "asked" } | { is: "refused"; why: string } | { is: "evicted" };

const AGAIN_MS = 5_000;
const TOO_MANY_REQUESTS = 429;

/** Returns when the pod is to end. Raises ApiError, also when a budget still refuses it after `withinMs`. */
export async function evict(api: Api, pod: Pod, tell: (state: Eviction) => void, signal: AbortSignal, withinMs: number): Promise<void> {
  const { name, namespace = "", uid } = pod.metadata;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`;
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
  const endsAt = Date.now() + withinMs;
  tell({ is: "asked" });
  for (;;) {
    try {
      await api.raw(path, { method: "POST", body: JSON.stringify(eviction), signal });
      break;
    } catch (why) {
      if (isMissing(why)) break; // it is gone already
      if (!(why instanceof ApiError) || why.code !== TOO_MANY_REQUESTS || Date.now() + AGAIN_MS > endsAt) throw why;
      tell({ is: "refused", why: [why.message, ...why.causes].join(" ") });
      await pause(AGAIN_MS, signal);
      signal.throwIfAborted();
    }
  }
  tell({ is: "evicted" });
}
