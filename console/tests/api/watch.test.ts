import { afterEach, expect, test, vi } from "vitest";
import { Api } from "../../src/api/http";
import { follow, type WatchState } from "../../src/api/watch";
import type { KubeList, KubeObject, WatchEvent } from "../../src/api/types";

type Answer = (url: URL, signal: AbortSignal) => Response | Promise<Response>;

/** Answers requests one after another; whoever asks once more than is planned waits until the test ends. */
function server(...answers: Answer[]): URL[] {
  const asked: URL[] = [];
  vi.stubGlobal("fetch", (path: string, { signal }: { signal: AbortSignal }) => {
    const url = new URL(path, "http://console");
    asked.push(url);
    const answer = answers.shift();
    if (answer) return Promise.resolve(answer(url, signal));
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  });
  return asked;
}

const pod = (name: string, resourceVersion: string): KubeObject => ({ metadata: { name, uid: name, resourceVersion } });
const list =
  (revision: string, names: string[], next?: string): Answer =>
  () =>
    Response.json({
      metadata: { resourceVersion: revision, ...(next ? { continue: next } : {}) },
      items: names.map((name) => pod(name, "1")),
    });
const events =
  (...told: object[]): Answer =>
  () =>
    new Response(told.map((event) => JSON.stringify(event)).join("\n"));

class Told {
  lists: string[][] = [];
  changes: string[] = [];
  states: WatchState["is"][] = [];
  replaced(lists: KubeList<KubeObject>[]): void {
    this.lists.push(lists.flatMap((each) => each.items.map((item) => item.metadata.name)));
  }
  changed(all: WatchEvent<KubeObject>[]): void {
    this.changes.push(...all.map((event) => `${event.type} ${event.object.metadata.name}`));
  }
  state(state: WatchState): void {
    this.states.push(state.is);
  }
}

function started(): { told: Told; stop: () => void; done: Promise<void> } {
  const told = new Told();
  const abort = new AbortController();
  const done = follow<KubeList<KubeObject>, KubeObject>(new Api("/c"), { path: "/api/v1/pods" }, told, abort.signal);
  return { told, stop: () => abort.abort(), done };
}

afterEach(() => vi.unstubAllGlobals());

test("a list of several pages is read whole, then watched from its revision", async () => {
  const asked = server(list("7", ["a"], "more"), list("7", ["b"]), events({ type: "ADDED", object: pod("c", "8") }));
  const { told, stop, done } = started();
  await vi.waitFor(() => expect(told.changes).toEqual(["ADDED c"]));
  stop();
  await done;
  expect(told.lists).toEqual([["a", "b"]]);
  expect(asked[1]?.searchParams.get("continue")).toBe("more");
  expect(asked[2]?.searchParams.get("resourceVersion")).toBe("7");
});

test("a watch that ends goes on from the last revision that it told of, bookmarks among them", async () => {
  const asked = server(
    list("7", []),
    events({ type: "ADDED", object: pod("a", "8") }, { type: "BOOKMARK", object: pod("", "20") }),
  );
  const { told, stop, done } = started();
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  stop();
  await done;
  expect(asked[2]?.searchParams.get("resourceVersion")).toBe("20");
  expect(told.lists).toHaveLength(1);
});

test("where the server has forgotten the revision, everything is listed anew", async () => {
  const expired = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } };
  server(list("7", ["a"]), events(expired), list("30", ["b"]));
  const { told, stop, done } = started();
  await vi.waitFor(() => expect(told.lists).toEqual([["a"], ["b"]]));
  stop();
  await done;
});

test("a connection that breaks is told of and tried again", async () => {
  server(
    list("7", ["a"]),
    () => Promise.reject(new TypeError("network")),
    events({ type: "DELETED", object: pod("a", "9") }),
  );
  const { told, stop, done } = started();
  await vi.waitFor(() => expect(told.changes).toEqual(["DELETED a"]), { timeout: 3000 });
  stop();
  await done;
  expect(told.states).toContain("broken");
  expect(told.lists).toHaveLength(1);
});

test("a refusal ends it", async () => {
  server(() => Response.json({ kind: "Status", message: "no", reason: "Forbidden", code: 403 }, { status: 403 }));
  const { told, done } = started();
  await done;
  expect(told.states).toEqual(["loading", "refused"]);
});
