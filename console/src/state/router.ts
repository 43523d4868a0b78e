import { href, parsed, type Place } from "../domain/places";
import { Signal } from "./signal";

export { href };

export const place = new Signal<Place>(parsed(location.hash));

export function listenToLocation(): void {
  addEventListener("hashchange", () => place.set(parsed(location.hash)));
}

/** What the address says now, of which `place` is told a moment later. */
export function addressed(): Place {
  return parsed(location.hash);
}

export function go(to: string): void {
  location.hash = to;
}

/** Writes filters into the address without a new entry in the history: typing is not travelling. */
export function amend(query: Record<string, string>): void {
  const { cluster, view, parts } = place.value;
  history.replaceState(null, "", href(cluster, view, parts, { ...place.value.query, ...query }));
  place.set(parsed(location.hash));
}
