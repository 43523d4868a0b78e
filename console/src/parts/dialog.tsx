import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useMessages } from "../i18n";

interface Props {
  title: string;
  close: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

/** A window above the view. The browser itself keeps the focus inside, and gives it back at the end. */
export function Dialog({ title, close, children, wide = false }: Props) {
  const say = useMessages();
  const id = useId();
  const self = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = self.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={self} class={wide ? "wide" : ""} aria-labelledby={id} onClose={close} onCancel={close}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" onClick={close} aria-label={say("dialog.close")}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
