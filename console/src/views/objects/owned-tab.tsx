import { useCallback, useEffect, useState } from "preact/hooks";
import { type Contents, contents } from "../../api/contents";
import { resourceName } from "../../api/discovery";
import { messageOf } from "../../api/http";
import { counted, goingWith, type Owned, ownedBy } from "../../domain/dependents";
import { useMessages } from "../../i18n";
import { Notice } from "../../parts/notice";
import { useCluster } from "../../state/cluster";
import { href } from "../../state/router";
import type { ObjectProps } from "./tabs";

/** What an object owns, of any kind, custom ones too, as it was when the tab was opened. */
export function OwnedTab(props: ObjectProps) {
  const say = useMessages();
  const { held, error, read } = useContents(props.namespace);
  if (!held) return <Notice>{error || say("app.loading")}</Notice>;
  const owned = ownedBy(uidOf(held, props), held.found);
  return (
    <>
      {owned.length > 0 && <Branches owned={owned} />}
      {!owned.length && !held.unread.length && <p class="empty">{say("owned.none")}</p>}
      <Unread held={held} />
      <div class="row">
        <button type="button" onClick={read}>
          {say("yaml.reload")}
        </button>
      </div>
    </>
  );
}

/** What is deleted with an object; with a namespace, all that it holds. */
export function GoingWith(props: ObjectProps) {
  const say = useMessages();
  const { resource, namespace, name } = props;
  const isNamespace = resource.kind === "Namespace" && !resource.group;
  const { held, error } = useContents(isNamespace ? name : namespace);
  if (!held) return <p>{error || say("owned.looking")}</p>;
  const going = counted(isNamespace ? held.found : goingWith(uidOf(held, props), held.found));
  return (
    <>
      {going.length > 0 && <p>{say("owned.goes", { what: going.map(([kind, count]) => `${count} ${kind}`).join(", ") })}</p>}
      {!going.length && !held.unread.length && <p>{say("owned.alone")}</p>}
      <Unread held={held} />
    </>
  );
}

function Branches({ owned }: { owned: Owned[] }) {
  const cluster = useCluster();
  return (
    <ul class="owned">
      {owned.map(({ resource, item, owned: below }) => (
        <li key={item.metadata.uid}>
          <a href={href(cluster.name, "objects", [resourceName(resource), item.metadata.namespace ?? "-", item.metadata.name])}>
            {resource.kind} {item.metadata.name}
          </a>
          {below.length > 0 && <Branches owned={below} />}
        </li>
      ))}
    </ul>
  );
}

function Unread({ held }: { held: Contents }) {
  const say = useMessages();
  if (!held.unread.length) return null;
  return <p>{say("owned.unread", { kinds: held.unread.map(resourceName).join(", ") })}</p>;
}

/** That of the object itself, which is among what its namespace holds; a Secret is not read for it. */
function uidOf(held: Contents, { resource, name }: ObjectProps): string {
  const own = held.found.find((each) => resourceName(each.resource) === resourceName(resource) && each.item.metadata.name === name);
  return own?.item.metadata.uid ?? "";
}

function useContents(namespace: string) {
  const { api, resources } = useCluster();
  const [held, setHeld] = useState<Contents>();
  const [error, setError] = useState("");
  const read = useCallback(() => {
    contents(api, resources, namespace).then(setHeld, (why: unknown) => setError(messageOf(why)));
  }, [api, resources, namespace]);
  useEffect(read, [read]);
  return { held, error, read };
}
