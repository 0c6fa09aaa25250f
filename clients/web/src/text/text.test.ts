import { describe, expect, it } from 'vitest';
import { en } from './en';
import { calls } from './topics/calls';
import { callView } from './topics/callview';
import { connection } from './topics/connection';
import { files } from './topics/files';
import { messages } from './topics/messages';
import { people } from './topics/people';
import { settings } from './topics/settings';
import { trouble } from './topics/trouble';
import { zh } from './zh';

const named = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe('texts', () => {
  it('are filled in with the same in both languages', () => {
    for (const [key, text] of Object.entries(zh)) expect([key, named(text)]).toEqual([key, named(en[key as keyof typeof en])]);
  });
  it('stand in one place each', () => {
    const topics = [calls, callView, connection, files, messages, people, settings, trouble].flatMap((topic) => Object.entries(topic));
    for (const [key, [english]] of topics) expect([key, en[key as keyof typeof en]]).toEqual([key, english]);
    expect(new Set(topics.map(([key]) => key)).size).toBe(topics.length);
  });
});
