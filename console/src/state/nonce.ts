/** With what style sheets are marked that are made as the page runs: its policy takes no others. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
