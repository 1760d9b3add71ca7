/** What people ask the agent over HTTP, besides its health and its metrics. */
import { isInt32 } from '@lars/proto/route-key';
import { type ModuleList, mergeLists } from './shard/list-modules.ts';
import { ownerOf, SHARD_NAMES, type ShardName, type ShardQuery } from './threads/messages.ts';

/** Undefined when the shard does not answer in time. */
export type AskShard = (shard: ShardName, query: ShardQuery) => Promise<unknown>;

const WHY_PATH = /^\/why\/(-?\d{1,10})\/(-?\d{1,10})$/;
/** As many as a large terminal shows, of modules in trouble and of busy ones, from each shard. */
const MAX_LISTED = 200;

/**
 * GET /why/MODID/CMDID: what the shard that owns the module knows of it. GET /why: the modules in trouble, and the busiest ones.
 * @returns undefined for another path, and where no shard answers
 */
export async function answerQuery(path: string, ask: AskShard): Promise<unknown> {
  if (path === '/why') return listAll(ask);
  const match = WHY_PATH.exec(path);
  if (match === null) return undefined;
  const module = { modid: Number(match[1]), cmdid: Number(match[2]) };
  return isInt32(module.modid) && isInt32(module.cmdid) ? ask(ownerOf(module), { what: 'module', module }) : undefined;
}

async function listAll(ask: AskShard): Promise<unknown> {
  const answers = await Promise.all(SHARD_NAMES.map(shard => ask(shard, { what: 'modules', max: MAX_LISTED })));
  const lists = answers.filter(answer => answer !== undefined) as ModuleList[];
  if (lists.length === 0) return undefined;
  const missingShards = SHARD_NAMES.length - lists.length;
  return { ...mergeLists(lists), ...(missingShards === 0 ? {} : { missingShards }) };
}
