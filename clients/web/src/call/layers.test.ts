import { describe, expect, it } from 'vitest';
import { layersFor, sizeIn } from './layers';

const told = (width: number, height: number, wanted?: string[]) =>
  layersFor({ width, height }, wanted && new Set(wanted)).map((l) => (l.active ? `${l.rid ?? ''} ${width / (l.scaleResolutionDownBy ?? 1)}` : '-'));

describe('layers', () => {
  it('are three from 960×540 on, each half of the next', () => {
    expect(told(1280, 720)).toEqual(['q 320', 'h 640', 'f 1280']);
    expect(told(720, 1280)).toEqual(['q 180', 'h 360', 'f 720']);
  });
  it('are fewer for a small picture, the largest as large as it is', () => {
    expect(told(640, 480)).toEqual(['q 320', 'h 640', '-']);
    expect(told(320, 240)).toEqual(['q 320', '-', '-']);
  });
  it('are not sent where nobody wants them', () => {
    expect(told(1280, 720, ['q', 'f'])).toEqual(['q 320', '-', 'f 1280']);
    expect(told(640, 360, ['q'])).toEqual(['q 320', '-', '-']);
  });
  it('cost more the larger they are', () => {
    const rates = layersFor({ width: 1280, height: 720 }).map((l) => l.maxBitrate ?? 0);
    expect(rates).toEqual([...rates].sort((a, b) => a - b));
  });
});

it('a frame that is filled needs a picture that covers it', () => {
  expect(sizeIn(640, 360, true)).toBe('640x384');
  expect(sizeIn(300, 600, false)).toBe('1088x608');
  expect(sizeIn(300, 600, true)).toBe('320x608');
  expect(sizeIn(0, 0, true)).toBe('32x32');
});
