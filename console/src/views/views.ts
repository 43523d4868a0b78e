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

const MAP: View = {
  id: "map",
  title: "nav.map",
  key: "m",
  icon: "▦",
  load: () => import("./map/map").then((module) => module.ClusterMap),
};

/** All views, in the order in which they are offered. */
export const VIEWS: View[] = [
  MAP,
  { id: "workloads", title: "nav.workloads", key: "w", icon: "❖", load: () => import("./workloads/workloads").then((module) => module.Workloads) },
  { id: "nodes", title: "nav.nodes", key: "n", icon: "▣", load: () => import("./nodes/nodes").then((module) => module.Nodes) },
  { id: "objects", title: "nav.objects", key: "o", icon: "▤", load: () => import("./objects/objects").then((module) => module.Objects) },
  { id: "rights", title: "nav.rights", key: "r", icon: "◈", load: () => import("./rights/rights").then((module) => module.Rights) },
];

export const firstView = MAP.id;

export function viewOf(id: string): View {
  return VIEWS.find((view) => view.id === id) ?? MAP;
}
