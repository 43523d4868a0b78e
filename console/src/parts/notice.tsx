import type { ComponentChildren } from "preact";

/** What stands in place of a view that has nothing to show. */
export function Notice({ title, children }: { title?: string; children?: ComponentChildren }) {
  return (
    <div class="notice" role="status">
      {title && <h1>{title}</h1>}
      <div>{children}</div>
    </div>
  );
}
