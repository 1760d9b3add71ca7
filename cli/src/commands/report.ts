import type { LarsClient } from '@lars/client-sdk';
import { formatHost, formatHostName, type HostAddress, hostKey, type ModuleId } from '@lars/proto';
import type { Command } from 'commander';
import { parseHostArgument } from '../arguments/host.ts';
import { takeModule } from '../arguments/module-id.ts';
import { integerOption } from '../arguments/number.ts';
import { CommandError, UsageError } from '../errors.ts';
import type { Shell } from '../shell.ts';
import { withAgentClient } from '../system/agent-client.ts';
import { noSuchModule } from './getroute.ts';
import { type AgentOptions, agentOption, confFolderOf } from './options.ts';

interface ReportOptions extends AgentOptions {
  readonly ok?: true;
  readonly fail?: true;
  readonly tcost?: number;
}

const MAX_TCOST_MS = 86_400_000;

const EXAMPLES = `
Exit code 1 when the agent does not know the host: it would not count the report.

Examples:
  lars report 1 1 127.0.0.1:9001 --ok
  lars report 1/1 127.0.0.1:9001 --fail --tcost 1500
`;

/** `lars report`: tells the agent how one call went, as business code would. */
export function addReport(program: Command, shell: Shell): void {
  program
    .command('report')
    .usage('MODID CMDID HOST:PORT --ok|--fail [options]')
    .description('tell the agent how a call went')
    .argument('<words...>', 'MODID CMDID HOST:PORT, or MODID/CMDID HOST:PORT')
    .option('--ok', 'the call succeeded')
    .option('--fail', 'the call failed')
    .option('--tcost <ms>', 'how long it took, in milliseconds', integerOption('--tcost', 0, MAX_TCOST_MS))
    .addOption(agentOption())
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], options: ReportOptions) => {
      const { module, rest } = takeModule(words);
      const address = onlyHost(rest);
      const ok = isSuccess(options);
      await withAgentClient(options.agent, confFolderOf(program), async client => {
        const host = await hostOf(client, module, address);
        client.report(host, { ok, tcostMs: options.tcost });
      });
      const where = { host: formatHostName(address), port: address.port };
      const document = { ...module, ...where, ok, tcostMs: options.tcost ?? null };
      shell.print(document, () => `reported: ${formatHost(address)} ${ok ? 'succeeded' : 'failed'}\n`);
    });
}

/** A report has no answer, so the route is asked for first: it shows that the agent is there and knows the module. */
async function hostOf(client: LarsClient, module: ModuleId, address: HostAddress) {
  const { hosts } = await client.getRoute(module.modid, module.cmdid);
  if (hosts.length === 0) throw noSuchModule(module);
  const host = hosts.find(candidate => hostKey(candidate.address) === hostKey(address));
  if (host === undefined) {
    const known = hosts.slice(0, 5).map(({ authority }) => authority);
    throw new CommandError(
      'NO_SUCH_HOST',
      `module ${module.modid}/${module.cmdid} has no host ${formatHost(address)}; it has ${known.join(', ')}`,
    );
  }
  return host;
}

function onlyHost([text, ...more]: readonly string[]): HostAddress {
  if (text === undefined) throw new UsageError('HOST:PORT is missing behind the module');
  if (more.length > 0) throw new UsageError(`'${more.join(' ')}' is one argument too many behind the host`);
  return parseHostArgument(text);
}

function isSuccess({ ok, fail }: ReportOptions): boolean {
  if ((ok === undefined) === (fail === undefined)) throw new UsageError('say how the call went: either --ok or --fail');
  return ok === true;
}
