// The language of the page: the browser's at first, then the one chosen, remembered.
import { computed, effect, signal } from '@preact/signals';
import { en, type TextKey } from './en';
import { zh } from './zh';

export type { TextKey } from './en';

/** What fills the {names} of a text. */
export type Params = Readonly<Record<string, string | number>>;

const remembered = localStorage.getItem('language');

/** The language shown. */
export const language = signal<'en' | 'zh'>(
  remembered === 'en' || remembered === 'zh' ? remembered : navigator.language.startsWith('zh') ? 'zh' : 'en',
);

const table = computed(() => (language.value === 'zh' ? zh : en));

/** The visible string of a key. Read while rendering it follows the language. */
export function t(key: TextKey, params: Params = {}): string {
  return table.value[key].replace(/\{(\w+)\}/g, (all, name: string) => String(params[name] ?? all));
}

/** Changes to the other language and remembers it. */
export function switchLanguage(): void {
  language.value = language.value === 'en' ? 'zh' : 'en';
  localStorage.setItem('language', language.value);
}

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});
