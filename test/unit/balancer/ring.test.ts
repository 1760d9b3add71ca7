import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ring, type RingMember } from '../../../agent/src/balancer/ring.ts';

class Member implements RingMember<Member> {
  readonly name: number;
  next: Member = this;
  previous: Member = this;

  constructor(name: number) {
    this.name = name;
  }
}

describe('Ring', () => {
  test('an empty ring has no head', () => {
    const ring = new Ring<Member>();
    expect([ring.rotate(), ring.size]).toEqual([undefined, 0]);
  });

  test('a member that left links to itself and can join another ring', () => {
    const [one, other] = [new Ring<Member>(), new Ring<Member>()];
    const [a, b] = [new Member(1), new Member(2)];
    one.append(a);
    one.append(b);
    one.remove(a);
    expect([a.next, a.previous, b.next, b.previous]).toEqual([a, a, b, b]);
    other.append(a);
    expect([one.rotate(), other.rotate()]).toEqual([b, a]);
  });

  test('property: it is an array whose head is shifted and pushed, from which members are taken, to whose end they come', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'rotate' as const }),
      fc.constant({ kind: 'append' as const }),
      fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), steps => {
        const ring = new Ring<Member>();
        const model: Member[] = [];
        let names = 0;
        for (const one of steps) {
          if (one.kind === 'append') {
            const member = new Member(names++);
            ring.append(member);
            model.push(member);
          } else if (one.kind === 'rotate') {
            const head = model.shift();
            if (head !== undefined) model.push(head);
            expect(ring.rotate()?.name).toBe(head?.name);
          } else if (model.length > 0) {
            const [member] = model.splice(one.at % model.length, 1);
            ring.remove(member as Member);
          }
          expect(ring.size).toBe(model.length);
        }
        expect(model.map(() => ring.rotate()?.name)).toEqual(model.map(member => member.name));
      }),
    );
  });
});
