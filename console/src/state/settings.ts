import { Signal } from "./signal";

export type Theme = "system" | "light" | "dark";

const THEMES: readonly string[] = ["system", "light", "dark"];

/** What this browser remembers. Where it may not remember anything, all lasts as long as the page. */
function remembered(name: string): string {
  try {
    return localStorage.getItem(`podlab.${name}`) ?? "";
  } catch {
    return "";
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`podlab.${name}`, value);
  } catch {
    // A browser that keeps nothing is used as it is.
  }
}

const first = remembered("theme");
export const theme = new Signal<Theme>(THEMES.includes(first) ? (first as Theme) : "system");
export const language = new Signal<string>(remembered("language"));
/** The namespace that is looked at; empty: all of them. */
export const namespace = new Signal<string>(remembered("namespace"));

export function applyTheme(): void {
  const show = () => {
    if (theme.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  };
  theme.subscribe(() => {
    remember("theme", theme.value);
    show();
  });
  namespace.subscribe(() => remember("namespace", namespace.value));
  show();
}
