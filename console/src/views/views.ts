import type { Message } from "../i18n";
import type { Load } from "../parts/lazy";

/** A view of a cluster. `key` goes there after `g`. */
export interface View {
  id: string;
  title: Message;
  key: string;
  icon: string;
  load: Load<object>;
}

const OBJECTS: View = {
  id: "objects",
  title: "nav.objects",
  key: "o",
  icon: "▤",
  load: () => import("./objects/objects").then((module) => module.Objects),
};

/** All views, in the order in which they are offered. */
export const VIEWS: View[] = [OBJECTS];

export const firstView = OBJECTS.id;

export function viewOf(id: string): View {
  return VIEWS.find((view) => view.id === id) ?? OBJECTS;
}
