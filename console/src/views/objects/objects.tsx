import { named } from "../../api/discovery";
import { useMessages } from "../../i18n";
import { Lazy } from "../../parts/lazy";
import { Notice } from "../../parts/notice";
import { useCluster } from "../../state/cluster";
import { place } from "../../state/router";
import { useSignal } from "../../state/signal";
import { Kinds } from "./kinds";
import { ObjectPage } from "./object-page";
import { ObjectTable } from "./object-table";

const FIRST = "pods";
// The editor is large: whoever makes nothing does not load it.
const CREATE = () => import("./create-page").then((module) => module.CreatePage);

/** Any object of any kind: `objects/KIND` is a table of them, `objects/KIND/NAMESPACE/NAME` one; `-` is no namespace. */
export function Objects() {
  const say = useMessages();
  const cluster = useCluster();
  const { parts, query } = useSignal(place);
  const [kind = FIRST, namespace = "", name = ""] = parts;
  const resource = named(cluster.resources, kind);
  if (!resource) return <Notice title={say("objects.unknownKind", { kind })} />;
  if (name) {
    const at = namespace === "-" ? "" : namespace;
    return <ObjectPage key={`${kind}/${at}/${name}`} resource={resource} namespace={at} name={name} />;
  }
  if (query.new) return <Lazy key={kind} load={CREATE} props={{ resource }} />;
  return (
    <div class="objects">
      <Kinds chosen={resource} />
      <ObjectTable key={kind} resource={resource} />
    </div>
  );
}
