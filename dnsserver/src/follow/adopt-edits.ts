import { type JournalEnds, type RouteReader, type RouteStore, RouteStoreError, type RouteWriter } from '../store/route-store.ts';
import type { Pause } from './load-routes.ts';
import { type Verdict, withVersion } from './plan-update.ts';
import type { ModuleId, Route } from './route.ts';

export interface Adoption {
  /** Of what was found last, if another change came in between. */
  readonly verdict: Verdict;
  /** The formerly unannounced routes with their new version. */
  readonly routes: readonly Route[];
  /** Of the database. */
  readonly revision: number;
  /** The journals' ends, with our own rows. */
  readonly journal: JournalEnds;
  /** Why the database did not take the change; the versions are local then. */
  readonly failure: RouteStoreError | undefined;
}

const ANNOUNCE_AT_ONCE = 5_000;

/**
 * Gives edits that nobody announced a revision, and announces them, as whoever made them should have done: every other reader
 * sees them then. What another dnsserver adopted a moment before us is left alone.
 * @param highestVersion of all that we gave out; the revision is raised beyond it
 * @throws {RouteStoreError} BUSY: nothing happened, and the next look tries again
 */
export async function adoptEdits(
  store: RouteStore,
  found: Verdict & { kind: 'take' },
  judge: (reader: RouteReader) => Promise<Verdict>,
  highestVersion: number,
  pause: Pause,
): Promise<Adoption> {
  try {
    return await store.change(highestVersion, async (writer, revision) => {
      const unmoved = !hasMoved(await writer.journal(), found.findings.journal);
      const verdict = unmoved ? found : await judge(writer);
      // A revision raised for nothing does no harm, and it is the one that the second look has read.
      const unannounced = verdict.kind === 'take' ? verdict.plan.unannounced : [];
      await announce(writer, unannounced, revision, pause);
      const routes = unannounced.map(content => withVersion(content, revision));
      return { verdict, routes, revision, journal: await writer.journal(), failure: undefined };
    });
  } catch (error) {
    if (!(error instanceof RouteStoreError) || error.code === 'BUSY') throw error;
    return withLocalVersions(found, highestVersion, error);
  }
}

function withLocalVersions(verdict: Verdict & { kind: 'take' }, highestVersion: number, failure: RouteStoreError): Adoption {
  const version = Math.max(verdict.findings.revision, highestVersion) + 1;
  const routes = verdict.plan.unannounced.map(content => withVersion(content, version, true));
  return { verdict, routes, revision: verdict.findings.revision, journal: verdict.findings.journal, failure };
}

async function announce(writer: RouteWriter, modules: readonly ModuleId[], revision: number, pause: Pause): Promise<void> {
  for (let at = 0; at < modules.length; at += ANNOUNCE_AT_ONCE) {
    if (at > 0) await pause();
    await writer.announce(modules.slice(at, at + ANNOUNCE_AT_ONCE), revision);
  }
}

function hasMoved(now: JournalEnds, then: JournalEnds): boolean {
  return now.lastEdit !== then.lastEdit || now.lastChange !== then.lastChange;
}
