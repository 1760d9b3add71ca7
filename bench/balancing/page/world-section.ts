// pure
import type { WorldReport } from '../world-report.ts';
import { habitTable, worldStandingsTable, worstWorldsTable } from './world-tables.ts';

const WORST_WORLDS = 10;

/** The part of the page about random worlds: Markdown that begins with a heading of the second rank. */
export function worldSection(report: WorldReport, algorithm: string): string {
  const { worlds, worldsPerHabit, standings, results, habits } = report;
  return `## Random worlds

Whoever writes scenarios thinks of what may go wrong, and an algorithm that is made for them may fail where nobody looked. So there are
random worlds, too, each drawn from one seed out of wide ranges: 1 to 60 hosts, 1 to 30 agents, calls of 0.2 ms to 3 s that are always as long,
vary a little or have a heavy tail, one to 100,000 of them a second, errors that come at once or late, timeouts from four times the slowest
ordinary call up to forty times. Some have bursts, pauses, lost reports, moments in which all hosts err, or hosts that become slower for good. A *well*
world has spare capacity all the time: round robin serves all of its calls in time, so nobody should ever be refused. A *troubled* one is the
same, but for a while some hosts refuse, are silent, err or are slow.

${worldStandingsTable(standings)}

${worlds} worlds of each kind. *Round robin* is its COST in the same worlds; *worse than round robin* is the share of the worlds with a COST that
is higher by more than 0.5. A host is *starved* while an agent does not pick it for the time of 15 fair shares though it is well; *Jain* is Jain's
index of the shares that the hosts got, 1 where all are fair.

![COST of ${algorithm} against that of round robin, a point a world](balancing/worlds.svg)

The ${WORST_WORLDS} worlds in which ${algorithm} does worst against round robin:

${worstWorldsTable(results, WORST_WORLDS)}

\`node bench/balancing/worlds.ts --kind well --from SEED --worlds 1\` plays one of them again, and \`node bench/balancing/search.ts\` looks for worse ones
and makes them as simple as it can.

### Callers have habits

Not every caller reports as it should. Here ${algorithm} meets callers who tell failures only, or nothing at all, or durations in the wrong unit, or
who keep a host for twenty calls, in ${worldsPerHabit} well worlds each; round robin is called by the same callers.

${habitTable(habits)}`;
}
