import { useMessages } from "../i18n";
import { Dialog } from "../parts/dialog";
import { VIEWS } from "../views/views";

export function Help({ close }: { close: () => void }) {
  const say = useMessages();
  const keys: [string[], string][] = [
    [["/"], say("keys.search")],
    [["?"], say("keys.help")],
    [["Esc"], say("keys.escape")],
    ...VIEWS.map((view): [string[], string] => [["g", view.key], say(view.title)]),
  ];
  return (
    <Dialog title={say("keys.title")} close={close}>
      <dl class="keys">
        {keys.map(([pressed, does]) => (
          <div key={does}>
            <dt>
              {pressed.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
