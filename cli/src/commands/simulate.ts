import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LarsClient } from '@lars/client-sdk';
import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import { decimalOption, integerOption } from '../arguments/number.ts';
import { ExitCode } from '../exit-code.ts';
import type { Shell } from '../shell.ts';
import { checkFailureRates, type FailureRate, parseFailureRate } from '../simulate/failure-rates.ts';
import { showProgress } from '../simulate/progress.ts';
import { refuseWhereOthersCall } from '../simulate/refuse-real-callers.ts';
import type { SimulationEnd, SimulationPlan } from '../simulate/run-simulation.ts';
import { simulationDocument, simulationText } from '../simulate/simulation-result.ts';
import { Tally } from '../simulate/tally.ts';
import { withAgentClient } from '../system/agent-client.ts';
import { noSuchModule } from './getroute.ts';
import { type AgentHttpOptions, type AgentOptions, agentHttpOption, agentOption, confFolderOf } from './options.ts';

interface SimulateOptions extends AgentOptions, AgentHttpOptions {
  readonly yes?: true;
  readonly calls: number;
  readonly fail?: readonly FailureRate[];
  readonly concurrency: number;
  readonly seed?: number;
  readonly rate?: number;
}

const MAX_CALLS = 100_000_000;
const MAX_CONCURRENCY = 1_024;
const MAX_RATE = 1_000_000;
const MAX_SEED = 2 ** 32 - 1;

const EXAMPLES = `
Nobody is called. The agent learns from the results as from real ones: it avoids and ejects hosts that "fail", for real callers too.
So --yes is wanted where others use the module, or where the agent does not say so (on its HTTP address). The reporter and the
history do not count these calls; those of an agent of an earlier version do. A host that no --fail names succeeds always.
The seed decides which calls to a host fail; without one it is a new one each time.
Ctrl-C ends it early. Exit code 1 when not all calls were made: interrupted, or the agent gives no more answers.

Examples:
  lars simulate 1 1 --calls 10000
  lars simulate 1 1 --calls 10000 --fail 127.0.0.1:9001=0.5 --fail 127.0.0.1:9002=100%
  lars simulate 1 1 --calls 100 --yes
  lars simulate 1/1 --calls 600 --rate 10 --concurrency 1 --seed 42
`;

/** `lars simulate`: plays business code whose calls fail at given rates, and shows where the agent sends them. */
export function addSimulate(program: Command, shell: Shell): void {
  program
    .command('simulate')
    .usage('MODID CMDID --calls N [options]')
    .description('make calls through the agent, some of which fail, and show where they went')
    .argument('<module...>', 'MODID CMDID, or MODID/CMDID')
    .requiredOption('--calls <n>', 'how many calls to make', integerOption('--calls', 1, MAX_CALLS))
    .option('--fail <host=rate>', 'calls to HOST:PORT, or to all ports of HOST, fail so often; may be repeated', addRate)
    .option('--concurrency <n>', 'calls under way at a time', integerOption('--concurrency', 1, MAX_CONCURRENCY), 8)
    .option('--seed <n>', 'decides which calls fail', integerOption('--seed', 0, MAX_SEED))
    .option('--rate <n>', 'calls per second in all (default: as many as go)', decimalOption('--rate', 0, MAX_RATE))
    .option('--yes', 'also where others call the module: what is simulated changes whom they call')
    .addOption(agentOption())
    .addOption(agentHttpOption())
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], options: SimulateOptions) => {
      const plan = simulationPlan(words, options);
      const folder = confFolderOf(program);
      const check = () => (options.yes === true ? undefined : refuseWhereOthersCall(plan, options, folder));
      await withAgentClient(options.agent, folder, client => simulate(shell, plan, client, check), 'simulation');
    });
}

function simulationPlan(words: readonly string[], options: SimulateOptions): SimulationPlan {
  const { calls, concurrency, rate, seed = randomInt(MAX_SEED), fail = [] } = options;
  return { ...onlyModule(words), calls, concurrency, rate, seed, failureRates: fail };
}

async function simulate(
  shell: Shell,
  plan: SimulationPlan,
  client: LarsClient,
  checkCallers: () => Promise<void> | undefined,
): Promise<void> {
  const { hosts } = await client.getRoute(plan.modid, plan.cmdid);
  if (hosts.length === 0) throw noSuchModule(plan);
  checkFailureRates(plan.failureRates, hosts);
  await checkCallers();
  const tally = new Tally(hosts);
  const progress = showProgress(shell.terminal.err, tally, plan.calls);
  const startMs = performance.now();
  const end = await runUntilInterrupted(plan, client, tally);
  const seconds = (performance.now() - startMs) / 1_000;
  progress.stop();
  const document = simulationDocument(plan, tally, end, seconds);
  shell.print(document, () => simulationText(plan, tally, end, seconds, shell.paint));
  if (end.kind === 'failed') shell.terminal.err.write(`lars: ${end.error.message}\n`);
  if (end.kind !== 'done') shell.exitCode = ExitCode.Failed;
}

async function runUntilInterrupted(plan: SimulationPlan, client: LarsClient, tally: Tally): Promise<SimulationEnd> {
  const { runSimulation } = await import('../simulate/run-simulation.ts');
  const ending = new AbortController();
  const interrupt = () => ending.abort();
  const { signal } = ending;
  process.once('SIGINT', interrupt);
  try {
    const ports = {
      getHost: (modid: number, cmdid: number) => client.getHost(modid, cmdid),
      report: client.report.bind(client),
      nowMs: () => performance.now(),
      pause: (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined),
      signal,
    };
    return await runSimulation(plan, ports, tally);
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function addRate(text: string, before: readonly FailureRate[] = []): readonly FailureRate[] {
  return [...before, parseFailureRate(text)];
}
