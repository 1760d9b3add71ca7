// pure
/** What the agent's page GET /why/MODID/CMDID says of one host; the demo shows a part of it. */
export interface HostLook {
  readonly host: string;
  /** 'healthy', 'ejected', 'probation' or 'draining'; an agent of an earlier version says 'healthy' and 'ejected'. */
  readonly state: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** The state in words that stand beside the host; '' while there is nothing to say. */
export function stateWords({ state, numbers: { probeInMs } }: HostLook): string {
  if (state === 'healthy' || state === 'healthy') return '';
  return probeInMs === undefined ? state : `${state}, probe in ${Math.ceil(probeInMs / 1_000)} s`;
}

/** Does the host get no ordinary calls? */
export function isOut({ state }: HostLook): boolean {
  return state === 'ejected' || state === 'ejected';
}
