import { language, remember } from "../state/settings";
import { useSignal } from "../state/signal";
import { en, type Message } from "./en";
import { zh } from "./zh";

export type { Message };
export type Words = Record<string, string | number>;
export type Translate = (message: Message, words?: Words) => string;

export const LANGUAGES: Record<string, { name: string; messages: Record<Message, string> }> = {
  en: { name: "English", messages: en },
  zh: { name: "中文", messages: zh },
};

/** The language that was chosen, else the first of the browser's that there is. */
export function spoken(chosen: string, browser: readonly string[]): string {
  const wanted = [chosen, ...browser.map((each) => each.split("-")[0] ?? "")];
  return wanted.find((each) => each in LANGUAGES) ?? "en";
}

export function translate(tongue: string, message: Message, words: Words = {}): string {
  const text = (LANGUAGES[tongue]?.messages ?? en)[message];
  return text.replace(/\{(\w+)\}/g, (whole, word: string) => (word in words ? String(words[word]) : whole));
}

/** Messages in the language that is spoken now. */
export function useMessages(): Translate {
  const tongue = spoken(useSignal(language), navigator.languages);
  return (message, words) => translate(tongue, message, words);
}

export function applyLanguage(): void {
  const show = () => {
    document.documentElement.lang = spoken(language.value, navigator.languages);
  };
  language.subscribe(() => {
    remember("language", language.value);
    show();
  });
  show();
}
