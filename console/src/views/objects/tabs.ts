import type { Resource } from "../../api/discovery";
import type { Message } from "../../i18n";
import type { Load } from "../../parts/lazy";

/** What each tab of an object is given. */
export interface ObjectProps {
  resource: Resource;
  namespace: string;
  name: string;
}

export interface ObjectTab {
  id: string;
  title: Message;
  /** Whether objects of the kind have it. */
  fits: (resource: Resource) => boolean;
  load: Load<ObjectProps>;
}

const isPod = (resource: Resource) => resource.kind === "Pod" && !resource.group;
const hasData = (resource: Resource) => ["ConfigMap", "Secret"].includes(resource.kind) && !resource.group;
const hasHistory = (resource: Resource) => ["Deployment", "StatefulSet", "DaemonSet"].includes(resource.kind) && resource.group === "apps";
const isNamespaced = (resource: Resource) => resource.namespaced && !isPod(resource) && !hasData(resource);
const isAny = () => true;

/** What there is to see of an object, in the order in which it is offered: the first one that fits is shown at first. */
export const TABS: ObjectTab[] = [
  { id: "pod", title: "tab.state", fits: isPod, load: () => import("../pod/pod-state-tab").then((module) => module.PodStateTab) },
  { id: "logs", title: "tab.logs", fits: isPod, load: () => import("../pod/logs-tab").then((module) => module.LogsTab) },
  { id: "terminal", title: "tab.terminal", fits: isPod, load: () => import("../pod/terminal-tab").then((module) => module.TerminalTab) },
  { id: "data", title: "tab.data", fits: hasData, load: () => import("./data-tab").then((module) => module.DataTab) },
  { id: "yaml", title: "objects.yaml", fits: isAny, load: () => import("./yaml-tab").then((module) => module.YamlTab) },
  { id: "owned", title: "tab.owned", fits: isNamespaced, load: () => import("./owned-tab").then((module) => module.OwnedTab) },
  { id: "history", title: "tab.history", fits: hasHistory, load: () => import("../workloads/history-tab").then((module) => module.HistoryTab) },
  { id: "events", title: "tab.events", fits: isAny, load: () => import("./events-tab").then((module) => module.EventsTab) },
];
