import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RoundRobin } from '../../../../agent/src/balancer/classic/round-robin.ts';

describe('RoundRobin', () => {
  test('where there is nobody it is nobody’s turn', () => {
    const order = new RoundRobin([]);
    expect([order.next(), order.next(), order.size]).toEqual([undefined, undefined, 0]);
  });

  test('the list that it was made of is never written to', () => {
    const list = Object.freeze([0, 1, 2]);
    const order = new RoundRobin(list);
    order.next();
    order.append(3);
    order.remove(0);
    expect([list, order.list()]).toEqual([
      [0, 1, 2],
      [1, 2, 3],
    ]);
  });

  test('property: it is an array whose head is shifted and pushed, from which hosts are taken, to whose end they come', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'next' as const }),
      fc.constant({ kind: 'append' as const }),
      fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), steps => {
        const order = new RoundRobin([]);
        const model: number[] = [];
        let hosts = 0;
        for (const one of steps) {
          if (one.kind === 'append') {
            order.append(hosts);
            model.push(hosts++);
          } else if (one.kind === 'next') {
            const head = model.shift();
            if (head !== undefined) model.push(head);
            expect(order.next()).toBe(head);
          } else if (model.length > 0) {
            const [host] = model.splice(one.at % model.length, 1);
            order.remove(host as number);
          }
          expect([order.size, order.list()]).toEqual([model.length, model]);
        }
      }),
    );
  });
});
