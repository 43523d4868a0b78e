import type { Resource } from "../api/discovery";
import type { KubeObject } from "../api/types";

/** An object and the kind that it is of. */
export interface Found {
  resource: Resource;
  item: KubeObject;
}

export interface Owned extends Found {
  owned: Owned[];
}

/** What an object owns, and what that owns in turn, of whatever kind. Pure. */
export function ownedBy(uid: string, all: Found[], above: ReadonlySet<string> = new Set([uid])): Owned[] {
  return all
    .filter((each) => !above.has(each.item.metadata.uid) && each.item.metadata.ownerReferences?.some((one) => one.uid === uid))
    .map((each) => ({ ...each, owned: ownedBy(each.item.metadata.uid, all, new Set([...above, each.item.metadata.uid])) }))
    .toSorted((one, other) => key(one).localeCompare(key(other)));
}

/** What the garbage collector removes after an object: that all of whose owners go. Pure. */
export function goingWith(uid: string, all: Found[]): Found[] {
  const going = new Set([uid]);
  const found: Found[] = [];
  for (let before = 0; before !== going.size; ) {
    before = going.size;
    for (const each of all) {
      const { uid: own, ownerReferences: owners = [] } = each.item.metadata;
      if (going.has(own) || !owners.length || !owners.every((one) => going.has(one.uid))) continue;
      going.add(own);
      found.push(each);
    }
  }
  return found;
}

/** How many there are of each kind, the kinds in order. */
export function counted(all: Found[]): [kind: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { resource } of all) counts.set(resource.kind, (counts.get(resource.kind) ?? 0) + 1);
  return [...counts].toSorted(([one], [other]) => one.localeCompare(other));
}

function key({ resource, item }: Found): string {
  return `${resource.kind}/${item.metadata.name}`;
}
