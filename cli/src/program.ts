import { readCommit } from '@lars/runtime/commit';
import { VERSION } from '@lars/runtime/version';
import { Command, CommanderError } from 'commander';
import { addBench } from './commands/bench.ts';
import { addCalls } from './commands/calls.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDispatch } from './commands/dispatch.ts';
import { addDoctor } from './commands/doctor.ts';
import { addGetHost } from './commands/gethost.ts';
import { addGetRoute } from './commands/getroute.ts';
import { addHelp } from './commands/help.ts';
import { confDirOption } from './commands/options.ts';
import { addProxy } from './commands/proxy.ts';
import { addReport } from './commands/report.ts';
import { addRoute } from './commands/route.ts';
import { addServices } from './commands/service.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStatus } from './commands/status.ts';
import { addTop } from './commands/top.ts';
import { addUp } from './commands/up.ts';
import { addWhy } from './commands/why.ts';
import { EXIT_CODE_MEANINGS } from './exit-code.ts';
import type { Shell } from './shell.ts';

const AFTER_HELP = `
Results go to standard output, logs and errors to standard error.
Exit codes: ${EXIT_CODE_MEANINGS.map(code => code.join(' ')).join('; ')}.

Examples:
  lars up                              the whole system in this terminal
  lars route add 1/1 127.0.0.1:9001    tell it where module 1/1 is served
  lars gethost 1 1                     ask the agent for a host
  lars simulate 1 1 --calls 1000 --fail 127.0.0.1:9001=0.5
`;

/** The command line of `lars`: what there is to type, and what runs then. */
export function buildProgram(shell: Shell): Command {
  const program = new Command('lars')
    .description('LARS tells business code which host to call: an agent on each machine, a dnsserver, a reporter.')
    .option('--json', 'print one JSON document for machines')
    .addOption(confDirOption())
    .option('-V, --version', 'print the version')
    .on('option:version', () => printVersion(shell))
    .helpOption('-h, --help', 'explain the command')
    .configureHelp({ showGlobalOptions: true, subcommandTerm: command => command.name() })
    .configureOutput({
      writeOut: text => shell.terminal.out.write(text),
      writeErr: text => shell.terminal.err.write(text),
      // The caller of the program prints what it throws.
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText('after', AFTER_HELP);
  const parts = [
    ...[addUp, addServices, addProxy, addRoute, addGetHost, addGetRoute, addReport, addSimulate, addBench, addDispatch],
    ...[addStatus, addWhy, addTop, addCalls, addCheck, addDoctor, addCompletion, addHelp],
  ];
  for (const add of parts) add(program, shell);
  return program;
}

/** @throws {CommanderError} with the exit code 0, as the help does */
function printVersion(shell: Shell): never {
  const commit = readCommit();
  shell.print({ version: VERSION, commit: commit ?? null }, () => `${VERSION}${commit === undefined ? '' : ` (${commit})`}\n`);
  throw new CommanderError(0, 'commander.version', VERSION);
}
