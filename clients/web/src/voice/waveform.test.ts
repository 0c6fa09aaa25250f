import { describe, expect, it } from 'vitest';
import { browserName } from '../session/browser';
import { digits, fromWaveform, loudness, toWaveform } from './waveform';

describe('waveform', () => {
  it('is as many digits as may be sent, the loudest f', () => {
    const levels = Array.from({ length: 1000 }, (_, at) => (at === 500 ? 0.8 : 0.4));
    const sent = toWaveform(levels);
    expect(sent).toHaveLength(digits);
    expect(sent).toMatch(/^[0-9a-f]+$/);
    expect(sent[Math.floor((500 * digits) / 1000)]).toBe('f');
    expect(sent[0]).toBe('8');
  });
  it('of a short message has a digit for each level, and silence stays flat', () => {
    expect(toWaveform([0.1, 0.2])).toBe('8f');
    expect(toWaveform([0, 0])).toBe('00');
    expect(toWaveform([])).toBe('');
  });
  it('is read back', () => {
    expect(fromWaveform('0f')).toEqual([0, 1]);
    expect(fromWaveform('')).toHaveLength(digits);
  });
  it('rises with what is heard', () => {
    expect(loudness(new Uint8Array([128, 128]))).toBe(0);
    expect(loudness(new Uint8Array([0, 255]))).toBe(1);
  });
});

describe('the name of a browser', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox-Linux'],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge-Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1', 'Safari-iOS'],
    ['curl/8', 'Browser'],
  ])('%s', (agent, name) => expect(browserName(agent)).toBe(name));
});
