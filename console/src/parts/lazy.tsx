import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useMessages } from "../i18n";
import { messageOf } from "../api/http";
import { Notice } from "./notice";

/** Loads a component's module: views that nobody looks at cost nothing. */
export type Load<P> = () => Promise<ComponentType<P>>;

export function Lazy<P extends object = object>({ load, props }: { load: Load<P>; props?: P }) {
  const say = useMessages();
  const [Loaded, setLoaded] = useState<ComponentType<P>>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    let wanted = true;
    load().then(
      (component) => wanted && setLoaded(() => component),
      (why: unknown) => wanted && setError(why),
    );
    return () => {
      wanted = false;
    };
  }, [load]);
  if (error) return <Notice>{messageOf(error)}</Notice>;
  return Loaded ? <Loaded {...((props ?? {}) as P)} /> : <Notice>{say("app.loading")}</Notice>;
}
