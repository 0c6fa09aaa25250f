import { describe, expect, it } from 'vitest';
import { invitationIn } from './invitation';

describe('the code of an invitation link', () => {
  it.each([
    ['#invite=itke-cz3z-7eil-swf2', 'itke-cz3z-7eil-swf2'],
    ['#invite=itke%2Dcz3z', 'itke-cz3z'],
    ['#invite=%20a%20', 'a'],
    [`#invite=${'a'.repeat(300)}`, 'a'.repeat(100)],
  ])('is read from %s', (hash, code) => expect(invitationIn(hash)).toBe(code));

  it.each(['', '#', '#invite=', '#/pair/invite=a', '#invite=%E0%A4%A', '#invite=a&b=c', 'invite=a', `#invite=${'a'.repeat(301)}`])('is nothing in %s', (hash) =>
    expect(invitationIn(hash)).toBe(''),
  );
});
