import type { KubeObject } from "../api/types";

export interface Rule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

/** A Role or a ClusterRole; the latter has no namespace. */
export interface Role extends KubeObject {
  rules?: Rule[] | null;
}

/** A RoleBinding or a ClusterRoleBinding. */
export interface Binding extends KubeObject {
  roleRef: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[] | null;
}

/** That somebody may do something: a rule of a role that is bound to them. */
export interface Grant {
  id: string;
  who: string;
  verbs: string;
  what: string;
  /** The namespace in which it holds; empty where it holds in all, and for what is in none. */
  namespace: string;
  role: { cluster: boolean; name: string };
  binding: string;
}

/** Who may do what, a row for each subject and rule. A role that is not there gives nothing, and is not told. Pure. */
export function grants(bindings: Iterable<Binding>, roles: Iterable<Role>): Grant[] {
  const rules = new Map([...roles].map((each) => [key(each.metadata.namespace, each.metadata.name), each.rules ?? []]));
  return [...bindings].flatMap((binding) => {
    const { namespace = "", name, uid } = binding.metadata;
    const cluster = binding.roleRef.kind === "ClusterRole";
    const given = rules.get(key(cluster ? "" : namespace, binding.roleRef.name)) ?? [];
    return (binding.subjects ?? []).flatMap((subject, at) =>
      given.filter((rule) => objects(rule, namespace)).map((rule, number) => ({
        id: `${uid}/${at}/${number}`,
        who: `${subject.kind} ${subject.namespace ? `${subject.namespace}/` : ""}${subject.name}`,
        verbs: (rule.verbs ?? []).join(", "),
        what: objects(rule, namespace),
        namespace,
        role: { cluster, name: binding.roleRef.name },
        binding: name,
      })),
    );
  });
}

/** Paths are in no namespace: a RoleBinding gives none. */
function objects({ apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: Rule, namespace: string): string {
  const names = resourceNames.length ? ` (${resourceNames.join(", ")})` : "";
  const named = resources.flatMap((resource) => apiGroups.map((group) => (group ? `${resource}.${group}` : resource) + names));
  return [...named, ...(namespace ? [] : nonResourceURLs)].join(", ");
}

function key(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}
