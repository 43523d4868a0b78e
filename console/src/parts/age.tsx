import { age } from "../domain/age";
import { useNow } from "../state/now";

/** How long ago it was; the time itself on pointing. */
export function Age({ from }: { from: string | undefined | null }) {
  const now = useNow();
  if (!from) return null;
  return (
    <time dateTime={from} title={new Date(from).toLocaleString()}>
      {age(from, now)}
    </time>
  );
}
