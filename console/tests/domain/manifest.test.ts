import { expect, test } from "vitest";
import { parse } from "yaml";
import type { Resource } from "../../src/api/discovery";
import { ManifestError, manifests } from "../../src/domain/manifest";
import { fieldsOf, starter } from "../../src/domain/starters";

const resource = (kind: string, namespaced = true): Resource => ({
  group: "",
  version: "v1",
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  kind,
  namespaced,
  verbs: [],
  shortNames: [],
  subresources: [],
});
const KINDS = [resource("ConfigMap"), resource("Namespace", false), resource("Deployment")];
const kindOf = (_: string, kind: string) => KINDS.find((each) => each.kind === kind);

test("each document is an object, and so is each item of a List", () => {
  const text =
    "# first\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n" +
    "- {apiVersion: v1, kind: Namespace, metadata: {name: b, namespace: no}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: own}}\n";
  expect(manifests(text, kindOf, "here").map((each) => [each.resource.kind, each.namespace, each.name])).toEqual([
    ["ConfigMap", "here", "a"],
    ["Namespace", "", "b"],
    ["ConfigMap", "own", "c"],
  ]);
  expect(manifests("", kindOf, "")).toEqual([]);
});

test.each([
  ["a: b", "untyped", ""],
  ["apiVersion: v1\nkind: Nothing", "unserved", "v1 Nothing"],
  ["apiVersion: v1\nkind: ConfigMap", "nameless", "ConfigMap"],
])("%j is refused with its document and what it lacks", (wrong, fault, value) => {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n${wrong}\n`;
  expect(() => manifests(text, kindOf, "")).toThrow(expect.objectContaining({ document: 2, fault, value }));
});

test("what is no YAML is told with its place", () => {
  expect(() => manifests("a: [", kindOf, "")).toThrow(ManifestError);
});

test("a form begins an object that has what was asked for", () => {
  const wanted = { name: "web", image: "nginx", replicas: 2, port: 80 };
  const [, , deployment] = KINDS;
  if (!deployment) throw new Error("no kind");
  expect(fieldsOf(deployment)).toEqual(["image", "replicas", "port"]);
  expect(starter(deployment, wanted)).not.toMatch(/[&*]/); // labels are written out each time
  const made = parse(starter(deployment, wanted)) as { spec: { replicas: number; template: { spec: { containers: unknown[] } } } };
  expect(made.spec.replicas).toBe(2);
  expect(made.spec.template.spec.containers).toEqual([{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }]);
  expect(parse(starter(resource("Crontab"), wanted))).toEqual({ apiVersion: "v1", kind: "Crontab", metadata: { name: "web" }, spec: {} });
});
