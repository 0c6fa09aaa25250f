/** Texts in both languages: English first, then 中文. */
export type Both = Readonly<Record<string, readonly [string, string]>>;

/** One of the languages. */
export function only<T extends Both>(texts: T, language: 0 | 1): Record<keyof T, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, pair]) => [key, pair[language]])) as Record<keyof T, string>;
}
