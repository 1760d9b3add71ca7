// pure
/**
 * An intrusive ring: its members carry the links, so that taking turns, joining and leaving cost a few assignments whatever the
 * size, and allocate nothing. The head is where the ring is entered; the tail is the member before it.
 */
export interface RingMember<T> {
  /** Both links name the member itself while it is in no ring. */
  next: T;
  previous: T;
}

export class Ring<T extends RingMember<T>> {
  #head: T | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The head, which becomes the tail; undefined when the ring is empty. */
  rotate(): T | undefined {
    const head = this.#head;
    if (head !== undefined) this.#head = head.next;
    return head;
  }

  /** Adds at the tail. The member must be in no ring. */
  append(member: T): void {
    this.#size += 1;
    if (this.#head === undefined) {
      this.#head = member;
      return;
    }
    const tail = this.#head.previous;
    member.next = this.#head;
    member.previous = tail;
    tail.next = member;
    this.#head.previous = member;
  }

  /** The member must be in this ring. The others keep their order. */
  remove(member: T): void {
    this.#size -= 1;
    if (this.#head === member) this.#head = member.next === member ? undefined : member.next;
    member.previous.next = member.next;
    member.next.previous = member.previous;
    member.next = member;
    member.previous = member;
  }
}
