import { describe, expect, it } from 'vitest';
import { accounts } from '../chat/accounts';
import { backoff } from './backoff';
import { failureOf, statOf } from './failure';
import { shorten } from './names';

describe('shorten', () => {
  const bytes = (s: string) => new TextEncoder().encode(s).length;
  it('leaves short names alone and keeps the extension of long ones', () => {
    expect(shorten('a.png')).toBe('a.png');
    const long = shorten('图'.repeat(100) + '.jpeg');
    expect(bytes(long)).toBeLessThanOrEqual(200);
    expect(long.endsWith('图.jpeg')).toBe(true);
  });
  it('does not split a character, nor take a sentence for an extension', () => {
    expect(shorten('👋'.repeat(60))).toBe('👋'.repeat(50));
    expect(bytes(shorten('v1. ' + 'x'.repeat(300)))).toBe(200);
  });
  it('takes out what a line cannot carry, ends of paths, and turns of direction', () => {
    expect(shorten('a\nb\0c.txt')).toBe('a b c.txt');
    expect(shorten('a/b\\c.txt')).toBe('a b c.txt');
    expect(shorten('gpj.\u202eexe')).toBe('gpj. exe');
  });
});

describe('backoff', () => {
  it('is 1 to 5 s at first and grows later, but not for ever', () => {
    expect([backoff(0, 0), backoff(0, 1), backoff(3, 1)]).toEqual([1000, 5000, 5000]);
    expect(backoff(5, 0)).toBe(2000);
    expect(backoff(500, 1)).toBe(20_000);
  });
});

describe('failure', () => {
  it('carries what the server said', () => {
    expect(failureOf({ stat: '429', reason: 'slow down', retry_after: '7' })).toMatchObject({ stat: 429, message: 'slow down', retryAfter: 7 });
    expect(statOf(new TypeError('x'))).toBe(0);
  });
});

describe('accounts', () => {
  it('are separated by commas of either language or spaces, each once', () => {
    expect(accounts(' a, b，c、a;d\n')).toEqual(['a', 'b', 'c', 'd']);
    expect(accounts(' , ')).toEqual([]);
  });
});
