import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AgentSessions } from '../../../reporter/src/ingest/agent-sessions.ts';

describe('what arrives', () => {
  test('a higher number is new, once', () => {
    const sessions = new AgentSessions<string>();
    const session = sessions.open('a', 0);
    expect(sessions.arrive(session, 1, 'link')).toBe('new');
    expect(sessions.arrive(session, 1, 'link')).toBe('waiting');
    expect(sessions.arrive(session, 2, 'link')).toBe('new');
    sessions.stored('a', 1);
    expect(sessions.arrive(session, 1, 'link')).toBe('stored');
    expect(sessions.arrive(session, 2, 'link')).toBe('waiting');
  });

  test('what the store has is not new', () => {
    const sessions = new AgentSessions<string>();
    const session = sessions.open('a', 7);
    expect(sessions.arrive(session, 7, 'link')).toBe('stored');
    expect(sessions.arrive(session, 8, 'link')).toBe('new');
  });

  test('an agent may leave numbers out', () => {
    const sessions = new AgentSessions<string>();
    const session = sessions.open('a', 0);
    expect(sessions.arrive(session, 100, 'link')).toBe('new');
    expect(sessions.arrive(session, 99, 'link')).toBe('waiting');
  });

  test('the store is not believed about an agent that is known', () => {
    const sessions = new AgentSessions<string>();
    sessions.arrive(sessions.open('a', 0), 5, 'link');
    expect(sessions.open('a', 0).queuedSeq).toBe(5);
  });
});

describe('who is told', () => {
  test('the connection that came last, though the one before it still delivers', () => {
    const sessions = new AgentSessions<string>();
    const session = sessions.open('a', 0);
    sessions.arrive(session, 1, 'old');
    sessions.arrive(session, 1, 'new');
    sessions.arrive(session, 1, 'old');
    expect(sessions.stored('a', 1)).toMatchObject({ link: 'new', storedSeq: 1 });
  });

  test('nobody when the connection is gone', () => {
    const sessions = new AgentSessions<string>();
    sessions.arrive(sessions.open('a', 0), 1, 'link');
    sessions.unlink('link');
    expect(sessions.stored('a', 1)?.link).toBeUndefined();
  });

  test('the connection that is left when the younger one goes', () => {
    const sessions = new AgentSessions<string>();
    const session = sessions.open('a', 0);
    sessions.arrive(session, 1, 'one');
    sessions.arrive(session, 2, 'two');
    sessions.unlink('two');
    sessions.arrive(session, 3, 'one');
    expect(sessions.stored('a', 3)?.link).toBe('one');
  });
});

describe('what is remembered is bounded', () => {
  test('an agent is forgotten when its connection is gone and nothing of it waits', () => {
    const sessions = new AgentSessions<string>();
    sessions.arrive(sessions.open('a', 0), 1, 'link');
    sessions.unlink('link');
    expect(sessions.size).toBe(1);
    sessions.stored('a', 1);
    expect(sessions.size).toBe(0);
  });

  test('a name of which all is stored is forgotten when another comes over its connection', () => {
    const sessions = new AgentSessions<string>();
    for (const agent of ['a', 'b', 'c']) {
      sessions.arrive(sessions.open(agent, 0), 1, 'link');
      sessions.stored(agent, 1);
      expect(sessions.size).toBe(1);
    }
  });

  test('any number of names over one connection: only the last stays when all is stored', () => {
    const sessions = new AgentSessions<string>();
    for (const agent of ['a', 'b', 'c']) sessions.arrive(sessions.open(agent, 0), 1, 'link');
    expect(sessions.size).toBe(3);
    for (const agent of ['a', 'b', 'c']) expect(sessions.stored(agent, 1)?.link).toBe('link');
    expect(sessions.size).toBe(1);
    expect(sessions.get('c')).toBeDefined();
  });
});

test('whatever breaks, every report counts once, and in the end its agent knows', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), agent: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('reconnect' as const), agent: fc.nat(2), closeOld: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('late' as const), agent: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('store' as const), reports: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const world = new World(3);
      for (const one of steps) {
        if (one.kind === 'send') world.send(one.agent);
        else if (one.kind === 'reconnect') world.reconnect(one.agent, one.closeOld);
        else if (one.kind === 'late') world.deliverLate(one.agent);
        else if (one.kind === 'store') world.store(one.reports);
        else world.restart();
        world.check();
      }
      for (const agent of [0, 1, 2]) world.reconnect(agent, true);
      world.store(Number.POSITIVE_INFINITY);
      world.checkAllKnown();
    }),
    { numRuns: 500 },
  );
});

interface Agent {
  readonly name: string;
  link: number;
  /** A connection that the agent has given up and the reporter does not know to be dead. */
  oldLink: number | undefined;
  sentSeq: number;
  ackedSeq: number;
}

/** Agents that send again what was not acknowledged, and a reporter whose queue is lost when it is restarted. */
class World {
  readonly #agents: Agent[];
  readonly #stored = new Map<string, number>();
  readonly #counted: string[] = [];
  #sessions = new AgentSessions<number>();
  #queue: { readonly agent: string; readonly seq: number }[] = [];
  readonly #open = new Set<number>();
  #lastLink = 0;

  constructor(agents: number) {
    this.#agents = Array.from({ length: agents }, (_, i) => ({
      name: `agent-${i}`,
      link: this.#newLink(),
      oldLink: undefined,
      sentSeq: 0,
      ackedSeq: 0,
    }));
  }

  send(index: number): void {
    const agent = this.#at(index);
    agent.sentSeq += 1;
    this.#deliver(agent, agent.sentSeq, agent.link);
  }

  reconnect(index: number, closeOld: boolean): void {
    const agent = this.#at(index);
    if (agent.oldLink !== undefined) this.#close(agent.oldLink);
    agent.oldLink = agent.link;
    agent.link = this.#newLink();
    if (closeOld) this.#close(agent.oldLink);
    for (let seq = agent.ackedSeq + 1; seq <= agent.sentSeq; seq++) this.#deliver(agent, seq, agent.link);
  }

  deliverLate(index: number): void {
    const agent = this.#at(index);
    if (agent.oldLink !== undefined && this.#open.has(agent.oldLink) && agent.sentSeq > 0) {
      this.#deliver(agent, agent.sentSeq, agent.oldLink);
    }
  }

  store(reports: number): void {
    const batch = new Map<string, number>();
    for (const { agent, seq } of this.#queue.splice(0, reports)) {
      this.#counted.push(`${agent} ${seq}`);
      this.#stored.set(agent, seq);
      batch.set(agent, seq);
    }
    for (const [agent, seq] of batch) {
      const session = this.#sessions.stored(agent, seq);
      if (session !== undefined) this.#acknowledge(session.agent, session.storedSeq, session.link);
    }
  }

  restart(): void {
    this.#sessions = new AgentSessions();
    this.#queue = [];
    this.#open.clear();
    for (const index of this.#agents.keys()) this.reconnect(index, true);
  }

  check(): void {
    const waiting = new Set(this.#queue.map(({ agent }) => agent));
    expect(this.#sessions.size).toBeLessThanOrEqual(this.#open.size + waiting.size);
    for (const { name, ackedSeq } of this.#agents) expect(ackedSeq).toBeLessThanOrEqual(this.#stored.get(name) ?? 0);
  }

  checkAllKnown(): void {
    const sent = this.#agents.flatMap(({ name, sentSeq }) => Array.from({ length: sentSeq }, (_, i) => `${name} ${i + 1}`));
    expect([...this.#counted].sort()).toEqual(sent.sort());
    for (const { ackedSeq, sentSeq } of this.#agents) expect(ackedSeq).toBe(sentSeq);
  }

  #at(index: number): Agent {
    return this.#agents[index] as Agent;
  }

  #newLink(): number {
    this.#lastLink += 1;
    this.#open.add(this.#lastLink);
    return this.#lastLink;
  }

  #close(link: number): void {
    if (this.#open.delete(link)) this.#sessions.unlink(link);
  }

  #deliver(agent: Agent, seq: number, link: number): void {
    const session = this.#sessions.get(agent.name) ?? this.#sessions.open(agent.name, this.#stored.get(agent.name) ?? 0);
    const arrival = this.#sessions.arrive(session, seq, link);
    if (arrival === 'new') this.#queue.push({ agent: agent.name, seq });
    else if (arrival === 'stored') this.#acknowledge(agent.name, session.storedSeq, link);
  }

  #acknowledge(name: string, seq: number, link: number | undefined): void {
    const agent = this.#agents.find(one => one.name === name);
    if (agent !== undefined && agent.link === link) agent.ackedSeq = Math.max(agent.ackedSeq, seq);
  }
}
