// What a message tells of the files it names, and what that makes of them, as pure values.
import type { TextKey } from '../text';
import type { Message } from '../wire/codec';
import { shownName } from './markup';

/** What is known of a file. */
export interface FileInfo {
  /** NAME. */
  name: string;
  /** Bytes. */
  size: number;
  content_type: string;
  /** Of a picture or video, as it is shown; 0 where it is not known. */
  width: number;
  height: number;
  /** Of sound and video; 0 where it is not known. */
  duration_ms: number;
  /** There is a small picture of it. */
  preview: boolean;
}

/** How a file is shown. */
export type Look = 'picture' | 'video' | 'audio' | 'card';

const looks: readonly [Look, RegExp][] = [
  ['picture', /^(png|jpe?g|gif|webp|avif)$/],
  ['video', /^(mp4|m4v|mov|webm|ogv)$/],
  ['audio', /^(mp3|m4a|aac|oga|ogg|opus|wav|flac|weba)$/],
];

const kinds: readonly [TextKey, RegExp][] = [
  ['kind_document', /^(pdf|docx?|odt|rtf|pages|epub)$/],
  ['kind_sheet', /^(xlsx?|ods|csv|numbers)$/],
  ['kind_slides', /^(pptx?|odp|key)$/],
  ['kind_archive', /^(zip|gz|tgz|bz2|xz|zst|7z|rar|tar)$/],
  ['kind_text', /^(txt|md|log|json|xml|ya?ml|toml|html?|css|js|ts|go|py|c|h|cpp|rs|java|sh)$/],
  ['kind_picture', /^(svg|heic|heif|tiff?|bmp|ico|psd|png|jpe?g|gif|webp|avif)$/],
  ['kind_video', /^(mp4|m4v|mov|webm|ogv|mkv|avi|wmv)$/],
  ['kind_audio', /^(mp3|m4a|aac|oga|ogg|opus|wav|flac|weba|mid|aiff?)$/],
  ['kind_program', /^(exe|msi|apk|deb|rpm|dmg|appimage|iso)$/],
];

/** Reads `file_info`: one file a line. A line that cannot be read is left out. */
export function readFileInfo(lines = ''): FileInfo[] {
  return lines.split('\n').flatMap((line) => {
    // A type may have parameters, and so spaces.
    const [, name, size, content_type, shape, duration, preview] = /^(\S+) (\d+) (.+) (\d+x\d+|-) (\d+|-) (\S+)$/.exec(line) ?? [];
    if (!name || !content_type) return [];
    const [width = 0, height = 0] = (shape ?? '').split('x').map(Number);
    return [{ name, size: Number(size), content_type, width: width || 0, height: height || 0, duration_ms: Number(duration) || 0, preview: preview === 'preview' }];
  });
}

/** Reads an answer to `want: stat`, or an item of `want: list`. */
export function readStat(name: string, m: Message): FileInfo {
  return {
    name,
    size: Number(m.size ?? 0),
    content_type: m.content_type ?? '',
    width: Number(m.width ?? 0),
    height: Number(m.height ?? 0),
    duration_ms: Number(m.duration_ms ?? 0),
    preview: m.preview === 'yes',
  };
}

/** How a file is shown: by its extension, which tells more than its first bytes, or else by its type. */
export function lookOf(name: string, content_type = ''): Look {
  const extension = extensionOf(name);
  const byName = looks.find(([, form]) => form.test(extension))?.[0];
  if (byName) return byName;
  if (extension && kinds.some(([, form]) => form.test(extension))) return 'card';
  const [kind] = content_type.split('/');
  return kind === 'video' || kind === 'audio' ? kind : /^image\/(png|jpeg|gif|webp|avif)/.test(content_type) ? 'picture' : 'card';
}

/** What kind of file it is, in a word. */
export function kindOf(name: string): TextKey {
  return kinds.find(([, form]) => form.test(extensionOf(name)))?.[0] ?? 'file';
}

/** What is behind the last dot of the name a file had, in small letters. */
export function extensionOf(name: string): string {
  return /\.([a-z0-9]{1,8})$/.exec(shownName(name).toLowerCase())?.[1] ?? '';
}

/** The size at which a picture or video is shown within a box, px: never larger than it is, never too small to be hit. */
export function fitted({ width, height }: { width: number; height: number }, box: { width: number; height: number }): { width: number; height: number } {
  if (!width || !height) return box;
  const scale = Math.min(1, box.width / width, box.height / height);
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

/** What is told of one of the files. */
export function fileInfoOf(files: readonly FileInfo[], name: string): FileInfo | undefined {
  return files.find((file) => file.name === name);
}
