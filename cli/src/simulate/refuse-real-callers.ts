import type { ModuleId } from '@lars/proto';
import { messageOf } from '@lars/runtime/errors';
import { CommandError } from '../errors.ts';
import { counted } from '../output/numbers.ts';
import { askWhy, configuredAgentHttp } from '../system/ask-agent-http.ts';
import type { ConfFolder } from '../system/conf-folder.ts';

export interface AgentAsked {
  /** The agent's UDP address, where it was given. */
  readonly agent?: string;
  /** Its HTTP address, likewise. */
  readonly http?: string;
}

const HINT = 'add --yes to simulate all the same';

/**
 * Simulated failures eject hosts for everybody who calls the module through this agent.
 * @throws {CommandError} where others have called the module in the last 10 to 20 seconds, or nobody can say whether they have
 */
export async function refuseWhereOthersCall(module: ModuleId, asked: AgentAsked, folder: ConfFolder): Promise<void> {
  const name = `module ${module.modid}/${module.cmdid}`;
  if (asked.agent !== undefined && asked.http === undefined)
    throw new CommandError(
      'CALLERS_UNKNOWN',
      `whether others call ${name} is not known: name the agent's HTTP address with --http, or ${HINT}`,
    );
  const why = await askWhy(asked.http ?? (await configuredAgentHttp(folder)), module).catch((error: unknown) => {
    throw new CommandError('CALLERS_UNKNOWN', `whether others call ${name} is not known (${messageOf(error)}); ${HINT}`, {
      cause: error,
    });
  });
  const { recentPicks, simulatedPicks } = why;
  if (recentPicks === undefined || simulatedPicks === undefined)
    throw new CommandError(
      'CALLERS_UNKNOWN',
      `whether others call ${name} is not known: the agent is of an earlier version, and would count the calls; ${HINT}`,
    );
  const calls = recentPicks - simulatedPicks;
  if (calls > 0)
    throw new CommandError(
      'OTHERS_CALL',
      `${name} is in use, ${counted(calls, 'call')} in the last 20 s, and what fails here is ejected there; ${HINT}`,
    );
}
