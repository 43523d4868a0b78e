import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";
import { nonce } from "../state/nonce";

interface Props {
  label: string;
  text: string;
  editable: boolean;
  changed: (text: string) => void;
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--busy)" },
  { tag: [tags.comment, tags.meta], color: "var(--soft)" },
]);

/** YAML with its own keys and search. A new `text` takes the place of what was written. */
export function YamlEditor({ label, text, editable, changed }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return;
    const view = new EditorView({ parent: box.current, state: stateOf(label, text, editable, changed) });
    return () => view.destroy();
  }, [label, text, editable, changed]);
  return <div class="yaml" ref={box} />;
}

function stateOf(label: string, text: string, editable: boolean, changed: (text: string) => void): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [
      EditorView.cspNonce.of(nonce()),
      lineNumbers(),
      foldGutter(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      search({ top: true }),
      yaml(),
      syntaxHighlighting(COLOURS),
      keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
      EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-readonly": String(!editable) }),
      EditorState.readOnly.of(!editable),
      ...(editable ? [highlightActiveLine()] : []),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(update.state.doc.toString());
      }),
    ],
  });
}
