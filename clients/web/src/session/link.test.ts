import { expect, it } from 'vitest';
import { secretIn } from './link';

it('finds the secret of a link, and nothing in other addresses', () => {
  expect(secretIn('#guest=AZaz09_-AZaz09_-AZaz09')).toBe('AZaz09_-AZaz09_-AZaz09');
  for (const hash of ['', '#', '#guest=', '#guest=short', '#guest=AZaz09_-AZaz09_-AZaz09x', '#guest=AZaz09_-AZaz09_-AZaz0%', '#/pair/guest=AZaz09_-AZaz09_-AZaz09', '#invite=x']) {
    expect([hash, secretIn(hash)]).toEqual([hash, '']);
  }
});
