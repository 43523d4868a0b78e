import { expect, test } from "vitest";
import type { KeptRevision } from "../../src/domain/history";
import { lines, revisions, undoing } from "../../src/domain/history";

const owned = (uid: string, by = "web") => ({
  name: uid,
  uid,
  resourceVersion: "1",
  ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: by, controller: true }],
});
const template = (image: string) => ({ metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } });

test("a Deployment's revisions are its ReplicaSets without the label that those add", () => {
  const kept = (uid: string, number: string, image: string): KeptRevision => ({
    metadata: { ...owned(uid), annotations: { "deployment.kubernetes.io/revision": number } },
    spec: { template: { ...template(image), metadata: { labels: { app: "web", "pod-template-hash": uid } } } },
  });
  const found = revisions("web", [kept("a", "9", "one"), kept("b", "10", "two"), { ...kept("c", "11", "x"), metadata: owned("c", "other") }]);
  expect(found.map((each) => each.number)).toEqual([10, 9]);
  expect(found.map((each) => each.template)).toEqual([template("two"), template("one")]);
});

test("the others' revisions are patches, and one that is put back is the same patch", () => {
  const kept: KeptRevision = { metadata: owned("a"), revision: 3, data: { spec: { template: { $patch: "replace", ...template("one") } } } };
  const [found] = revisions("web", [kept]);
  expect(found?.template).toEqual(template("one"));
  expect(undoing(template("one"))).toEqual({ spec: kept.data?.spec });
});

test("templates are the same whatever the order of their keys", () => {
  expect(lines({ spec: { a: 1, b: [{ d: 1, c: 2 }] } })).toBe(lines({ spec: { b: [{ c: 2, d: 1 }], a: 1 } }));
  expect(lines({ metadata: { labels: { app: "a" } } })).not.toBe(lines({ metadata: { labels: { app: "b" } } }));
});
