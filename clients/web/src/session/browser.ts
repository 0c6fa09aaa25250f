/** What a browser is called among the devices: its name and its system, as its user agent tells them. */
export function browserName(agent: string): string {
  const first = (names: readonly (readonly [form: RegExp, name: string])[], other: string) => names.find(([form]) => form.test(agent))?.[1] ?? other;
  const browser = first([[/Firefox|FxiOS/, 'Firefox'], [/Edg/, 'Edge'], [/OPR/, 'Opera'], [/Chrom|CriOS/, 'Chrome'], [/Safari/, 'Safari']], 'Browser');
  const system = first([[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS/, 'Mac'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']], '');
  return system ? `${browser}-${system}` : browser;
}
