import { askHealth } from '../system/ask-health.ts';
import {
  type AgentContender,
  type AgentLoadShape,
  agentContender,
  contenderOn,
  echoContender,
  warmUp,
} from './agent-contender.ts';
import { type Against, type AgentPlan, ROUNDS, roundOf } from './bench-plan.ts';
import { type BenchContext, type BenchOutcome, checkSignal, notesOnCpu, pidOf, sumOf } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { startCEcho } from './c-echo.ts';
import { chooseClient } from './choose-client.ts';
import { type Contender, type Measured, measureInTurn } from './in-turn.ts';
import { modulesByShard, modulesOf } from './module-layout.ts';

export const C_ECHO = 'C echo';

/** getHost, and reports if so planned, on an agent; beside it the yardsticks. */
export async function benchAgent(plan: AgentPlan, context: BenchContext): Promise<BenchOutcome> {
  const system = new BenchSystem();
  try {
    const shape = await shapeOf(plan, context);
    const agents =
      plan.against === undefined ? await startAgents(plan, context, system, shape) : [await running(plan.against, shape)];
    for (const agent of agents) {
      checkSignal(context);
      context.onProgress(`${agent.name}: fetching routes`);
      await warmUp(agent);
    }
    const { echo, notes } = await startYardstick(plan, context, system, shape);
    const measured = await measureInTurn([...agents, ...echo], { ...context, rounds: ROUNDS });
    const yardstick = echo.length > 0 ? C_ECHO : undefined;
    const allNotes = [...notes, ...notesOnCpu(measured), ...notesOnAnswers(measured), ...(await notesOnDrops(agents))];
    return { measured, yardstick, unit: 'requests', notes: allNotes };
  } finally {
    await system.stop();
  }
}

async function shapeOf(plan: AgentPlan, { signal }: BenchContext): Promise<AgentLoadShape> {
  const { sockets, window, reports } = plan;
  const client = await chooseClient(plan.client);
  return { modules: modulesOf(plan.layout), sockets, window, reports, client, stint: roundOf(plan.stint), signal };
}

async function startAgents(
  plan: AgentPlan,
  context: BenchContext,
  system: BenchSystem,
  shape: AgentLoadShape,
): Promise<AgentContender[]> {
  context.onProgress('starting');
  await system.addModules(plan.layout);
  const agents: AgentContender[] = [];
  const transports = plan.yardstick && plan.transport !== 'dgram' ? [plan.transport, 'dgram' as const] : [plan.transport];
  for (const wanted of transports) {
    checkSignal(context);
    const agent = await system.startAgent(plan.algorithm, wanted);
    const name = `agent, ${agent.transport}`;
    // Where the first one could not have mmsg either, the second one is the same again.
    if (agents.some(other => other.name === name)) await system.stopServer(agent.server);
    else agents.push(agentContender(name, agent, shape));
  }
  return agents;
}

async function running(against: Against, shape: AgentLoadShape): Promise<AgentContender> {
  const { ip, ports, http } = against;
  const name = `agent ${ip}:${ports.join(',')}`;
  return { ...contenderOn(name, await pidOf(against), ip, shard => ports[shard] as number, shape), http };
}

async function startYardstick(
  plan: AgentPlan,
  context: BenchContext,
  system: BenchSystem,
  shape: AgentLoadShape,
): Promise<{ readonly echo: readonly Contender[]; readonly notes: readonly string[] }> {
  if (!plan.yardstick) return { echo: [], notes: [] };
  checkSignal(context);
  const outcome = await startCEcho(system, modulesByShard(shape.modules).size);
  if ('unavailable' in outcome) return { echo: [], notes: [`No C echo to compare with: ${outcome.unavailable}.`] };
  return { echo: [echoContender(C_ECHO, outcome.echo, shape)], notes: [] };
}

/** Only the agent's own counters show that the kernel dropped a report: a report has no answer. */
async function notesOnDrops(agents: readonly AgentContender[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { name, http } of agents) {
    const answer = http && (await askHealth(http.ip, http.port));
    const drops = answer?.kind === 'health' ? Number(answer.health.details['kernelDrops']) : 0;
    if (drops > 0) notes.push(`The kernel has dropped ${drops} datagrams to ${name}: its receive buffer was full.`);
  }
  return notes;
}

const ODD_ANSWERS = { hostless: 'had no host', overloaded: 'were OVERLOAD', late: 'came too late', odd: 'were no answers' };

function notesOnAnswers(measured: readonly Measured[]): string[] {
  return Object.entries(ODD_ANSWERS)
    .map(([name, what]) => ({ what, count: sumOf(measured, name) }))
    .filter(({ count }) => count > 0)
    .map(({ what, count }) => `${count} answers ${what}.`);
}
