import { useContext } from "preact/hooks";
import { LANGUAGES, spoken, useMessages } from "../i18n";
import { ClusterContext, useCluster, useLive } from "../state/cluster";
import type { Description } from "../state/console";
import { go, href, place } from "../state/router";
import { language, namespace, theme, type Theme } from "../state/settings";
import { useSignal } from "../state/signal";
import { collectionPath } from "../api/discovery";
import type { KubeObject } from "../api/types";
import { Select } from "../parts/select";

/** The bar at the top: which cluster and namespace are looked at, and how the page itself is to be. */
export function Bar({ description, ready, help }: { description: Description; ready: boolean; help: () => void }) {
  const say = useMessages();
  const here = useSignal(place);
  const cluster = useContext(ClusterContext);
  return (
    <header class="bar">
      <span class="brand" aria-label={say("app.name")}>
        <span class="brand-mark" aria-hidden="true" />
        Podlab
      </span>
      <Select
        label={say("bar.cluster")}
        value={here.cluster}
        options={description.clusters.map((each) => [each.name, each.name])}
        choose={(name) => go(href(name, here.view))}
      />
      {ready && cluster && <Namespaces />}
      <span class="fill" />
      <Appearance />
      <button type="button" class="quiet" onClick={help} aria-label={say("bar.help")} title={say("bar.help")}>
        <kbd>?</kbd>
      </button>
    </header>
  );
}

function Namespaces() {
  const cluster = useCluster();
  const resource = cluster.kind("namespaces");
  return resource ? <NamespacesOf path={collectionPath(resource)} /> : null;
}

function NamespacesOf({ path }: { path: string }) {
  const say = useMessages();
  const chosen = useSignal(namespace);
  const live = useLive(useCluster().stores.objects<KubeObject>({ path }));
  const names = [...live.items.values()].map((each) => each.metadata.name);
  if (chosen && !names.includes(chosen)) names.push(chosen);
  names.sort();
  return (
    <Select
      label={say("bar.namespace")}
      value={chosen}
      options={[["", say("bar.allNamespaces")], ...names.map((name): [string, string] => [name, name])]}
      choose={(name) => namespace.set(name)}
    />
  );
}

function Appearance() {
  const say = useMessages();
  const themes: [Theme, string][] = [
    ["system", say("bar.theme.system")],
    ["light", say("bar.theme.light")],
    ["dark", say("bar.theme.dark")],
  ];
  return (
    <>
      <Select label={say("bar.theme")} value={useSignal(theme)} options={themes} choose={(value) => theme.set(value as Theme)} />
      <Select
        label={say("bar.language")}
        value={spoken(useSignal(language), navigator.languages)}
        options={Object.entries(LANGUAGES).map(([id, each]) => [id, each.name])}
        choose={(value) => language.set(value)}
      />
    </>
  );
}
