// pure
import type { Standings } from '../measure/standings.ts';
import type { Entry } from '../measure/tournament.ts';
import type { WorldReport } from '../world-report.ts';
import { groupTable, scenarioTable, standingsTable } from './standings-tables.ts';
import { markdownTable } from './table.ts';
import { worldSection } from './world-section.ts';

/** docs/balancing.md. It says nothing of a machine, because nothing in it depends on one. */
export function page(
  standings: readonly Standings[],
  entries: readonly Entry[],
  algorithms: readonly string[],
  seeds: number,
  worlds: WorldReport,
): string {
  const [oracle = '', first = ''] = algorithms;
  const plans = entries.filter(entry => entry.algorithm === oracle).map(entry => entry.plan);
  return `# How good the balancers are

Written by \`node bench/balancing/run.ts\` (after \`npm install\`); nobody edits this page by hand. Run it on your own machine: the
numbers will be the same to the last digit, because nothing in them depends on a machine.

\`npm run bench\` asks how fast an agent answers. This page asks how good the answers are: when a host dies, errs, crawls or drowns,
how many calls fail that need not fail, and how long do the others take? The rules of the algorithms stand in
[Load balancing](load-balancing.md).

## In short

${standingsTable(standings)}

Every algorithm played ${plans.length} scenarios with ${seeds} seeds each. *COST* is what ought to be low (see [below](#the-score)); *without overload*
leaves out the scenarios in which there is more work than all hosts together can do. *Points lost* are calls that the oracle would
have saved, in percentage points of all calls; *p99 ratio* is a geometric mean; *detect* and *recover* are medians over the scenarios.
*Bad picks* went to a broken host while there was a healthy one; *false ejections* are healthy hosts that were declared overloaded, per
scenario.

COST by group of scenarios:

${groupTable(standings)}

![The share of the picks that a dead host gets over time](balancing/dying-host.svg)

![The share of calls that succeed while one host errs](balancing/brown-out.svg)

## What is measured, and how

The script simulates callers, agents and hosts in virtual time. Calls arrive at random (a Poisson process), whatever became of the
calls before. Each agent has a balancer of its own, the very code that runs in production: the simulation calls its \`pick\`, \`report\`
and \`setHosts\` and passes it the virtual time. A host has workers and a line of limited length in front of them; a call takes a random
time in service. A timeline makes hosts refuse, fall silent, err, slow down, warm up, join and leave. A caller gives up after its
timeout, of which the host learns nothing. Unless a scenario says otherwise, a host serves 4 calls at a time, which take 40 ms each, so
100 calls a second; the hosts are about half busy; and the timeout is 1 s.

A balancer knows only what callers tell it. The simulator knows everything, which allows two things that no measurement of a real
system can have:

- **The same luck for all.** What is left to chance (when calls come, how much work each of them is, whether it would meet an error,
  which host fails and when) is drawn from streams of random numbers that no decision of an algorithm can disturb. Two algorithms with
  the same seed serve the same calls.
- **An oracle.** It sees the true state of every host (whether it is up, its error rate, its speed, the work in its line) and picks the
  one where a call has the best prospects; it refuses a call that no host could begin within half of the timeout. It does not know the
  future, nor what a call will bring. Some calls nobody can save, as when all hosts are down; an algorithm is only blamed for what it
  lost against the oracle.

The simulator itself is tested against queueing theory (\`test/simulation/\`): mean waiting times with one worker and with several, the
share of the calls that a line of limited length turns away, the law of utilisation, and that every call ends exactly once.

### The score

> COST = points lost + log₂(p99 ratio)

*Points lost* is the oracle's success rate minus the algorithm's, in percentage points of all calls, and not below 0. *p99 ratio* is
the 99th percentile of the time of successful calls over the oracle's, not below 1 and not above 64. Both compare runs of the same
scenario and the same seed; COST is the mean over seeds and scenarios. 0 is as good as the oracle; plain round robin is what one has
without any balancing.

Why so? A call that fails and a call that is late are what users notice, so these two count and nothing else: an algorithm that is late
to detect a dead host, but loses little by it, is not worse. One number must hold both, so there must be a rate of exchange, and
ours is that one call lost in a hundred is as bad as a p99 that doubles. Only a ratio makes scenarios of 20 ms and of 2 s comparable, and
its logarithm keeps one very slow scenario from deciding everything. A failed call counts as lost and not as slow as well: how long it
took is a matter of the caller's timeout. The times to detect and to recover, bad picks, probes and false ejections explain a score; they
do not enter it.

*Detect* is the time from the moment a host breaks until it gets at most a fifth of its fair share (its part of the capacity) of the
picks, judged over so many picks that its fair share would be 20 of them. *Recover* is the time from the moment it is well until the first
pick with which it gets at least half of its fair share; a host that never lost its calls has nothing to get back. Where it did not
happen, the whole length of the trouble counts. A host is broken when it is down, at least three times slower than ordinarily, or errs in
at least 15 points more of its calls than the best host of the module.

## Every scenario

${aboutTable(plans)}

${scenarioTable(entries, algorithms)}

![Points lost in each scenario](balancing/lost-calls.svg)

![p99 in each scenario](balancing/p99.svg)

${worldSection(worlds, first)}

## Make your own

A scenario is a few lines of plain data in \`bench/balancing/scenarios/\`; an algorithm is one line in \`bench/balancing/algorithms.ts\`.
\`node bench/balancing/run.ts --scenario brown-out,black-hole --detail\` prints all that is measured of these two, \`--quick\` plays one
seed instead of ${seeds}, and \`--seed 100\` plays others: an algorithm that was tuned to the seeds of this page would show it there.

What this page cannot tell: how callers fare who wait for each other, networks that lose packets, and above all your own services. The hosts
here are simple. Trust the order of the algorithms more than the second digit.
`;
}

function aboutTable(plans: readonly Entry['plan'][]): string {
  return markdownTable(
    ['scenario', 'group', 'what happens'],
    plans.map(plan => [plan.name, plan.group, plan.about]),
    3,
  );
}
