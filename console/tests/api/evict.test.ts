import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { evict, type Eviction } from "../../src/api/evict";
import { type Api, ApiError } from "../../src/api/http";
import type { Pod } from "../../src/api/pods";

const POD: Pod = { metadata: { name: "web", namespace: "shop", uid: "1", resourceVersion: "1" }, spec: { containers: [] } };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function api(...refusals: ApiError[]): { api: Api; asked: string[] } {
  const asked: string[] = [];
  const raw = (path: string) => {
    asked.push(path);
    const refusal = refusals.shift();
    return refusal ? Promise.reject(refusal) : Promise.resolve(new Response());
  };
  return { api: { raw } as unknown as Api, asked };
}

test("a pod that a disruption budget holds is asked again, and it is told why it stays", async () => {
  const held = new ApiError(429, "TooManyRequests", "budget", ["web needs 2"]);
  const { api: one, asked } = api(held, held);
  const told: Eviction[] = [];
  const done = evict(one, POD, (state) => told.push(state), new AbortController().signal, 60_000);
  await vi.advanceTimersByTimeAsync(11_000);
  await done;
  expect(asked).toEqual(Array(3).fill("/api/v1/namespaces/shop/pods/web/eviction"));
  expect(told[1]).toEqual({ is: "refused", why: "budget web needs 2" });
  expect(told.map((each) => each.is)).toEqual(["asked", "refused", "refused", "evicted"]);
});

test("what is gone is evicted; another refusal, or one for too long, is raised", async () => {
  const { signal } = new AbortController();
  const quiet = () => undefined;
  await evict(api(new ApiError(404, "NotFound", "")).api, POD, quiet, signal, 60_000);
  await expect(evict(api(new ApiError(403, "Forbidden", "no")).api, POD, quiet, signal, 60_000)).rejects.toThrow("no");
  await expect(evict(api(new ApiError(429, "", "budget")).api, POD, quiet, signal, 1_000)).rejects.toThrow("budget");
});

test("whoever closes the dialog stops the asking", async () => {
  const given = new AbortController();
  const done = evict(api(new ApiError(429, "", "budget")).api, POD, () => undefined, given.signal, 60_000);
  const refused = expect(done).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(1_000);
  given.abort();
  await refused;
});
