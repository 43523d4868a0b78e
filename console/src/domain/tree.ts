import type { KubeObject } from "../api/types";

/** An object with those that it owns. */
export interface Branch<T> {
  item: T;
  owned: Branch<T>[];
}

/** The objects below their controllers; those whose controller is not among them stand at the top. Pure. */
export function tree<T extends KubeObject>(all: Iterable<T>): Branch<T>[] {
  const branches = new Map<string, Branch<T>>();
  for (const item of all) branches.set(item.metadata.uid, { item, owned: [] });
  const top: Branch<T>[] = [];
  for (const branch of branches.values()) {
    const owner = branch.item.metadata.ownerReferences?.find((each) => each.controller);
    (owner && branches.get(owner.uid)?.owned ? (branches.get(owner.uid)?.owned ?? top) : top).push(branch);
  }
  const byName = (one: Branch<T>, other: Branch<T>) => key(one.item).localeCompare(key(other.item));
  for (const branch of branches.values()) branch.owned.sort(byName);
  return top.sort(byName);
}

function key(object: KubeObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}
