/** The accounts in what was typed: separated by commas (also 中文 ones) or spaces. */
export function accounts(typed: string): string[] {
  return [...new Set(typed.split(/[\s,，、;；]+/).filter(Boolean))];
}
