// pure
import type { Dice } from '@lars/proto/dice';

export interface PoolMember {
  /** Where the member stands in its pool. A member is in one pool at most. */
  slot: number;
}

/** An unordered set that can be drawn from at random: joining, leaving and each draw cost a few assignments whatever the size. */
export class HostPool<T extends PoolMember> {
  #members: T[] = [];
  #cursor = 0;

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    member.slot = this.#members.length;
    this.#members.push(member);
  }

  /** Call after many have joined: an array that has grown has room for sixteen more, of which most modules need none. */
  trim(): void {
    this.#members = this.#members.slice();
  }

  /** The member must be in this pool. */
  remove(member: T): void {
    const last = this.#members.pop() as T;
    if (last === member) return;
    this.#members[member.slot] = last;
    last.slot = member.slot;
  }

  /**
   * The `drawn`-th different member at random: call with 0, 1, 2, ... below the size, with no change of the pool in between. (The first
   * steps of a Fisher-Yates shuffle.)
   */
  draw(drawn: number, dice: Dice): T {
    const members = this.#members;
    const from = drawn + dice.below(members.length - drawn);
    const member = members[from] as T;
    const displaced = members[drawn] as T;
    members[from] = displaced;
    displaced.slot = from;
    members[drawn] = member;
    member.slot = drawn;
    return member;
  }

  /** Goes through the members one after the other, over many calls. The pool must not be empty. */
  next(): T {
    this.#cursor = this.#cursor + 1 < this.#members.length ? this.#cursor + 1 : 0;
    return this.#members[this.#cursor] as T;
  }
}
