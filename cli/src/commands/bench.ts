import type { ModuleId } from '@lars/proto';
import { type Command, Option } from 'commander';
import { parseModule } from '../arguments/module-id.ts';
import { decimalOption, integerOption } from '../arguments/number.ts';
import { parseHttp } from '../bench/against.ts';
import type { BenchPlan, TcpPlan } from '../bench/bench-plan.ts';
import { benchDocument, benchText } from '../bench/bench-result.ts';
import type { BenchContext, BenchOutcome } from '../bench/bench-run.ts';
import type { Connect } from '../bench/connect.ts';
import { progressLine } from '../bench/progress-line.ts';
import { type AgentOptions, readAgentPlan, readTcpPlan, type TcpOptions } from '../bench/read-plan.ts';
import { UsageError } from '../errors.ts';
import type { Shell } from '../shell.ts';
import { type ConfFolder, confFileIn } from '../system/conf-folder.ts';
import { confFolderOf } from './options.ts';

const MAX_WINDOW = 4_096;
const MAX_SOCKETS = 64;
const MAX_CONNECTIONS = 10_000;
const MAX_MODULES = 200_000;
const MAX_HOSTS = 5_000;
const MAX_SECONDS = 3_600;
const MAX_REQUESTS = 1_000_000_000;
const MAX_PID = 2 ** 22;

const EXAMPLES = `
Examples:
  lars bench agent --reports
  lars bench dnsserver
  lars bench reporter --json
`;

const AFTER = `
A closed loop: the next request leaves when an answer has come. It starts a system of its own in a temporary folder, each service a
process, and stops it afterwards; with --against it loads a server that runs already, whose routes or statistics it uses; a dnsserver or
reporter as [security] of agent.ini in the conf folder says, or where there is none, that of the server. All servers have
their turns in each of five rounds, after one that warms up; shown are medians. Exit code 1 when a server does not answer.
`;

const AGENT_HELP = `${AFTER}
Yardsticks in the same run: a bare recvmmsg/sendmmsg echo in C, which takes reports and does not answer them, and an agent on node:dgram.

Examples:
  lars bench agent
  lars bench agent --reports --window 64 --modules 30
  lars bench agent --against 127.0.0.1:8888 --http 127.0.0.1:7782 --module 1/1
`;

const DNSSERVER_HELP = `${AFTER}
Examples:
  lars bench dnsserver
  lars bench dnsserver --connections 6 --window 16 --json
`;

const REPORTER_HELP = `${AFTER}
Each connection is an agent that numbers its reports; the window is of reports that are not acknowledged, which they are once they are
stored. A row is one host's result in a report.

Examples:
  lars bench reporter
  lars bench reporter --connections 50 --window 100 --seconds 10
`;

/** `lars bench`: a load generator with yardsticks. */
export function addBench(program: Command, shell: Shell): void {
  const bench = program
    .command('bench')
    .description('measure how many requests an agent, a dnsserver or a reporter serves')
    .addHelpText('after', EXAMPLES);
  const agent = withCommon(bench.command('agent'), 'agent', { window: 64, modules: 1 })
    .description('getHost over UDP, with reports on demand')
    .option('--sockets <n>', "sockets to each of the agent's ports", integerOption('--sockets', 1, MAX_SOCKETS), 1)
    .option('--reports', 'each answer is followed by a report of success')
    .addOption(ownServer('--algorithm <name>', 'how the agent balances').choices(['adaptive', 'classic']).default('adaptive'))
    .addOption(ownServer('--transport <name>', 'how it takes datagrams').choices(['auto', 'mmsg', 'dgram']).default('auto'))
    .addOption(new Option('--client <name>', 'how the generator does (default: mmsg where it loads)').choices(['mmsg', 'dgram']))
    .option('--no-yardstick', 'measure the server alone')
    .addHelpText('after', AGENT_HELP);
  agent.action((options: AgentOptions) => run(shell, readAgentPlan(options), program));
  const connections = { dnsserver: 100, reporter: 10 } as const;
  const dnsserver = withCommon(bench.command('dnsserver'), 'dnsserver', { window: 8, modules: 1 })
    .description('requests for routes over TCP')
    .addOption(connectionsOption(connections.dnsserver))
    .addHelpText('after', DNSSERVER_HELP);
  dnsserver.action((options: TcpOptions) => run(shell, readTcpPlan('dnsserver', options), program));
  const reporter = withCommon(bench.command('reporter'), 'reporter', { window: 512, modules: 1_000 })
    .description('reports over TCP, until they are stored')
    .addOption(connectionsOption(connections.reporter))
    .addHelpText('after', REPORTER_HELP);
  reporter.action((options: TcpOptions) => run(shell, readTcpPlan('reporter', options), program));
}

function withCommon(command: Command, server: string, defaults: { readonly window: number; readonly modules: number }): Command {
  const { window, modules } = defaults;
  return command
    .option('--window <n>', 'under way at a time, on each socket or connection', integerOption('--window', 1, MAX_WINDOW), window)
    .option('--modules <n>', 'modules that are asked for in turn', integerOption('--modules', 1, MAX_MODULES), modules)
    .option('--hosts <n>', 'hosts of each module', integerOption('--hosts', 1, MAX_HOSTS), 5)
    .addOption(
      new Option('--module <modid/cmdid>', 'the first of the modules')
        .argParser(readModule)
        .default({ modid: 1, cmdid: 1 }, '1/1'),
    )
    .addOption(
      new Option('--seconds <s>', 'of load on each server')
        .argParser(decimalOption('--seconds', 0, MAX_SECONDS, 'a number of seconds'))
        .default(5),
    )
    .addOption(
      new Option('--requests <n>', 'instead of --seconds: requests to each server')
        .argParser(integerOption('--requests', 1, MAX_REQUESTS))
        .conflicts('seconds'),
    )
    .option('--against <ip:port>', `${server === 'agent' ? 'an' : 'a'} ${server} that runs already`)
    .option('--pid <pid>', 'its process, to take its CPU time', integerOption('--pid', 1, MAX_PID))
    .option('--http <ip:port>', 'its health page, which tells its process', parseHttp)
    .option('--remote', 'it may be another machine');
}

/** Options of a server that is started for the benchmark; one that runs already cannot be changed. */
function ownServer(flags: string, description: string): Option {
  return new Option(flags, description).conflicts('against');
}

function connectionsOption(connections: number): Option {
  return new Option('--connections <n>', 'TCP connections')
    .argParser(integerOption('--connections', 1, MAX_CONNECTIONS))
    .default(connections);
}

function readModule(text: string): ModuleId {
  try {
    return parseModule(text);
  } catch (cause) {
    throw cause instanceof UsageError ? new UsageError(`--module: ${cause.message}`, { cause }) : cause;
  }
}

async function run(shell: Shell, plan: BenchPlan, program: Command): Promise<void> {
  const progress = progressLine(shell.terminal.err);
  const outcome = await untilInterrupted(signal => measure(plan, { signal, onProgress: progress.show }, program)).finally(
    progress.clear,
  );
  shell.print(benchDocument(plan, outcome), () => benchText(plan, outcome, shell.paint));
}

async function measure(plan: BenchPlan, context: BenchContext, program: Command): Promise<BenchOutcome> {
  // Services and databases are loaded only by the commands that run them.
  if (plan.kind === 'agent') return (await import('../bench/bench-agent.ts')).benchAgent(plan, context);
  const [{ benchTcp }, connect] = await Promise.all([
    import('../bench/bench-tcp.ts'),
    plan.against === undefined ? undefined : connectAsConfigured(plan.kind, confFolderOf(program)),
  ]);
  return benchTcp(plan, context, connect);
}

/** As an agent of this conf folder, or where it has none, as its server. */
async function connectAsConfigured(kind: TcpPlan['kind'], folder: ConfFolder): Promise<Connect | undefined> {
  const [{ readConfigs }, { securedConnect }] = await Promise.all([
    import('../system/read-configs.ts'),
    import('../bench/connect.ts'),
  ]);
  const { configs } = readConfigs(folder);
  return securedConnect(configs[confFileIn(folder, 'agent.ini') === undefined ? kind : 'agent'].security);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** An interrupted benchmark first stops the servers that it has started. */
async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const interrupt = () => ending.abort();
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    return await work(ending.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
  }
}
