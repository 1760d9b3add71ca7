// pure
/** What may be the matter with a service that does not answer. */
import type { ServiceStatus } from '../system/service-status.ts';
import { type Problem, wrong } from './problem.ts';
import type { PortHolder } from './proc-facts.ts';

/** A port of the service's conf that somebody has. */
export interface TakenPort {
  /** '[tcp] port = 7778' */
  readonly confKey: string;
  readonly holder: PortHolder;
}

export type AbsentService = Extract<ServiceStatus, { readonly why: string }>;

/** @param taken ports of its conf that are taken, the one that was asked first */
export function absenceProblems({ service, asked, why }: AbsentService, taken: readonly TakenPort[]): Problem[] {
  const own = taken.find(({ holder }) => isOf(holder, service));
  if (own !== undefined) {
    const { name, pid } = own.holder;
    return [
      wrong(
        `${service} does not answer at ${asked}, though it runs (${name}): ${why}`,
        `it starts, hangs or has no CPU: see its log; kill -9 ${pid} ends one that hangs, and what was acknowledged is not lost`,
      ),
    ];
  }
  if (taken.length === 0) return [wrong(`${service} does not answer at ${asked}: ${why}`, todoOf(service))];
  return taken.map(({ confKey, holder }) =>
    wrong(
      `${service} does not answer at ${asked}; ${holder.name} has ${confKey}`,
      `stop that, or give ${service}.ini another port`,
    ),
  );
}

function todoOf(service: AbsentService['service']): string {
  if (service === 'dispatcher') return 'start it (systemctl start lars-dispatch@NAME), or mend --http of its dispatch-NAME.env';
  return `start it (lars ${service}), or mend [http] of ${service}.ini`;
}

/** `lars up` has all of them. */
function isOf({ command }: PortHolder, service: string): boolean {
  const at = command.findIndex(word => /(^|\/)lars(\.js)?$/.test(word));
  return at !== -1 && command.slice(at + 1).some(word => word === service || word === 'up');
}
