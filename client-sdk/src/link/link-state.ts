import { type LarsAgentEvent, larsChannels } from '../diagnostics.ts';

/**
 * Tells subscribers when one of the agent's servers is away and back, and from when to when the client may have to do without it.
 * @param agent the server, 'ADDRESS:PORT'
 * @returns to be called whenever the state may have changed
 */
export function publishStateOf(agent: string): (isAway: boolean, isOutage: boolean, nowMs: number) => void {
  let was = { isAway: false, isOutage: false, sinceMs: 0 };
  return (isAway, isOutage, nowMs) => {
    if (isAway === was.isAway && isOutage === was.isOutage) return;
    const isNewAway = isAway && !was.isAway;
    const sinceMs = isNewAway ? nowMs : was.sinceMs;
    const event: LarsAgentEvent = { agent, awayForMs: nowMs - sinceMs };
    if (isNewAway) larsChannels.agentAway.publish(event);
    if (isOutage && !was.isOutage) larsChannels.fallbackStart.publish(event);
    if (!isAway && was.isAway) larsChannels.agentBack.publish(event);
    if (!isOutage && was.isOutage) larsChannels.fallbackEnd.publish(event);
    was = { isAway, isOutage, sinceMs };
  };
}
