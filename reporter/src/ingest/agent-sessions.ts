// pure
/** What is known of one agent that numbers its reports. */
export interface AgentSession<Link> {
  readonly agent: string;
  /** Every report up to this one is stored. */
  storedSeq: number;
  /** Every report up to this one is stored or waits in the queue. */
  queuedSeq: number;
  /** When it was heard of before this session, unix seconds; undefined once a report of it has come. */
  heardBeforeSec: number | undefined;
  /** Its youngest connection: acknowledgements go there. */
  link: Link | undefined;
}

export type Arrival =
  | 'new' // to be counted
  | 'waiting' // the queue has it already; the acknowledgement comes when that is stored
  | 'stored'; // counted long ago: the acknowledgement was lost

/** An agent numbers without gaps and repeats in order, so a session sees hardly any; see docs/decisions/0004-reports.md. */
const MAX_JUMP = 1_000;
/** So many reports may it have numbered in each second in which this reporter did not hear of it, or in which its database lost them. */
const MAX_RATE = 10_000;

/**
 * Whether the agent can have come so far. One forged report with a number that is far above all others would make everything that the
 * agent itself sends look like a repetition. Of an agent that the store does not know any number is believed: the database may be new.
 */
export function isPlausible<Link>(session: AgentSession<Link>, seq: number, nowSec: number): boolean {
  const { queuedSeq, heardBeforeSec = nowSec } = session;
  return queuedSeq === 0 || seq <= queuedSeq + MAX_JUMP + MAX_RATE * Math.max(0, nowSec - heardBeforeSec);
}

/**
 * Distinguishes new reports from repeated ones, and knows to which connection acknowledgements go. An agent sends in order, so one number
 * is enough, and the acknowledgement of a seq covers all lower ones.
 *
 * The number of sessions is bounded: an agent is known while it has reports in the queue, or a link on which no other agent reported
 * since. An agent that comes back after that is looked up in the store.
 */
export class AgentSessions<Link> {
  readonly #byAgent = new Map<string, AgentSession<Link>>();
  /** The agent that reported last on each link. */
  readonly #byLink = new Map<Link, AgentSession<Link>>();

  get size(): number {
    return this.#byAgent.size;
  }

  get(agent: string): AgentSession<Link> | undefined {
    return this.#byAgent.get(agent);
  }

  /** @param storedSeq the store's answer; an agent that is known already keeps its own number */
  open(agent: string, storedSeq: number, heardBeforeSec = 0): AgentSession<Link> {
    const known = this.#byAgent.get(agent);
    if (known !== undefined) return known;
    const session: AgentSession<Link> = { agent, storedSeq, queuedSeq: storedSeq, heardBeforeSec, link: undefined };
    this.#byAgent.set(agent, session);
    return session;
  }

  /** Nothing of the session was used. */
  forget(session: AgentSession<Link>): void {
    this.#forgetIfDone(session);
  }

  /** A report has come. A new one counts as queued from now on. */
  arrive(session: AgentSession<Link>, seq: number, link: Link): Arrival {
    this.#attach(session, link);
    session.heardBeforeSec = undefined;
    if (seq <= session.storedSeq) return 'stored';
    if (seq <= session.queuedSeq) return 'waiting';
    session.queuedSeq = seq;
    return 'new';
  }

  /** The reports of `agent` up to `seq` are stored. Returns its session, which is to be sent the acknowledgement. */
  stored(agent: string, seq: number): AgentSession<Link> | undefined {
    const session = this.#byAgent.get(agent);
    if (session === undefined) return undefined;
    session.storedSeq = Math.max(session.storedSeq, seq);
    this.#forgetIfDone(session);
    return session;
  }

  /** The link is gone. */
  unlink(link: Link): void {
    const session = this.#byLink.get(link);
    if (session === undefined) return;
    this.#byLink.delete(link);
    if (session.link === link) session.link = undefined;
    this.#forgetIfDone(session);
  }

  /** The youngest link gets the acknowledgements, also when reports still arrive over an older one. */
  #attach(session: AgentSession<Link>, link: Link): void {
    const before = this.#byLink.get(link);
    if (before === session && session.link !== undefined) return;
    session.link = link;
    this.#byLink.set(link, session);
    if (before !== undefined && before !== session) this.#forgetIfDone(before);
  }

  #forgetIfDone(session: AgentSession<Link>): void {
    const linked = session.link !== undefined && this.#byLink.get(session.link) === session;
    if (!linked && session.queuedSeq === session.storedSeq) this.#byAgent.delete(session.agent);
  }
}
