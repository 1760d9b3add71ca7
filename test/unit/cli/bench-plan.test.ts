import { isInt32, shardOf } from '@lars/proto';
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAgainst } from '../../../cli/src/bench/against.ts';
import { roundOf } from '../../../cli/src/bench/bench-plan.ts';
import { fits, hostAddress, modulesByShard, modulesOf, routesOf } from '../../../cli/src/bench/module-layout.ts';
import { type AgentOptions, readAgentPlan, readTcpPlan } from '../../../cli/src/bench/read-plan.ts';
import { addBench } from '../../../cli/src/commands/bench.ts';
import { Shell } from '../../../cli/src/shell.ts';
import { memoryTerminal } from '../../support/memory-terminal.ts';

/** What the command line is refused for. */
async function refusal(args: string): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined, outputError: () => undefined });
  addBench(program, new Shell(memoryTerminal().terminal, false));
  return program.parseAsync(args.split(' '), { from: 'user' }).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
}

test.each([
  ['bench agent --window 0', '--window 0: expected an integer in 1..'],
  ['bench agent --window 5000', '--window 5000'],
  ['bench agent --sockets x', '--sockets x'],
  ['bench agent --modules 0', '--modules 0'],
  ['bench agent --hosts 5001', '--hosts 5001'],
  ['bench agent --modules 100000 --hosts 5000', '--modules 100000 × --hosts 5000'],
  ['bench agent --modules 2001 --module 2147483646/1', '--modules 2001'],
  ['bench agent --module 1', "--module: module '1'"],
  ['bench agent --seconds 0', '--seconds 0'],
  ['bench agent --seconds 1 --requests 5', '--requests'],
  ['bench agent --requests 0', '--requests 0'],
  ['bench agent --algorithm best', '--algorithm'],
  ['bench agent --transport tcp', '--transport'],
  ['bench agent --client tcp', '--client'],
  ['bench agent --connections 5', '--connections'],
  ['bench agent --against nowhere', '--against nowhere: expected IP:PORT or IP:PORT,PORT,PORT'],
  ['bench agent --against 127.0.0.1:8888,8889', '--against 127.0.0.1:8888,8889'],
  ['bench agent --against 127.0.0.1:65534', '--against 127.0.0.1:65534'],
  ['bench agent --against 127.0.0.1:8888 --algorithm classic', '--algorithm'],
  ['bench agent --against 127.0.0.1:8888 --transport dgram', '--transport'],
  ['bench agent --against 10.1.2.3:8888', '--against 10.1.2.3: is not this machine; add --remote to mean it'],
  ['bench agent --pid 5', '--pid: there is no --against'],
  ['bench agent --http 127.0.0.1:7782', '--http: there is no --against'],
  ['bench agent --remote', '--remote: there is no --against'],
  ['bench dnsserver --reports', '--reports'],
  ['bench dnsserver --connections 10001', '--connections 10001'],
  ['bench dnsserver --against 127.0.0.1:7778,7779', '--against 127.0.0.1:7778,7779: expected IP:PORT'],
  ['bench reporter --against 127.0.0.1:0', '--against 127.0.0.1:0'],
  ['bench reporter --against 127.0.0.1:7779 --http nowhere', '--http nowhere: expected IP:PORT'],
  ['bench report', "unknown command 'report'"],
])('lars %s is refused, and the flag named', async (args, says) => {
  expect(await refusal(args)).toContain(says);
});

describe('an address to load', () => {
  test.each([
    ['127.0.0.1:8888', 'agent', { ip: '127.0.0.1', ports: [8888, 8889, 8890] }],
    ['localhost:8888', 'agent', { ip: '127.0.0.1', ports: [8888, 8889, 8890] }],
    ['127.0.0.1:5,9,7', 'agent', { ip: '127.0.0.1', ports: [5, 9, 7] }],
    ['10.0.0.1:7778', 'other', { ip: '10.0.0.1', ports: [7778] }],
  ] as const)('%s of an %s', (text, server, expected) => {
    expect(parseAgainst(text, server)).toStrictEqual(expected);
  });
});

const OPTIONS: AgentOptions = {
  ...{ window: 64, modules: 30, hosts: 5, module: { modid: 1, cmdid: 1 }, seconds: 5, sockets: 1 },
  ...{ algorithm: 'adaptive', transport: 'auto', yardstick: true },
};

describe('a plan', () => {
  test('has the load that was asked for', () => {
    expect(readAgentPlan(OPTIONS)).toMatchObject({ kind: 'agent', stint: { seconds: 5 }, reports: false, against: undefined });
    expect(readAgentPlan({ ...OPTIONS, requests: 7 }).stint).toStrictEqual({ requests: 7 });
    const tcp = readTcpPlan('reporter', { ...OPTIONS, connections: 3, against: '10.0.0.1:7', remote: true, pid: 9 });
    expect(tcp).toMatchObject({ kind: 'reporter', connections: 3, against: { ip: '10.0.0.1', ports: [7], pid: 9 } });
  });

  test('is dealt to the rounds', () => {
    expect(roundOf({ seconds: 5 }, 5)).toStrictEqual({ seconds: 1 });
    expect(roundOf({ requests: 11 }, 5)).toStrictEqual({ requests: 3 });
  });
});

describe('the modules of a benchmark', () => {
  const layout = fc.record({
    first: fc.record({
      modid: fc.integer({ min: 2 ** 31 - 5, max: 2 ** 31 - 1 }),
      cmdid: fc.integer({ min: 2 ** 31 - 1_002, max: 2 ** 31 - 990 }),
    }),
    modules: fc.integer({ min: 1, max: 4_000 }),
  });

  test('are as many as asked for, all different, and fit exactly if the protocol can carry all their ids', () => {
    fc.assert(
      fc.property(layout, asked => {
        const modules = modulesOf(asked);
        expect(new Set(modules.map(({ modid, cmdid }) => `${modid}/${cmdid}`)).size).toBe(asked.modules);
        expect(fits(asked)).toBe(modules.every(({ modid, cmdid }) => isInt32(modid) && isInt32(cmdid)));
      }),
      { numRuns: 30 },
    );
  });

  test('lie on the shards that own them', () => {
    const modules = modulesOf({ first: { modid: 1, cmdid: 1 }, modules: 31 });
    const byShard = modulesByShard(modules);
    expect([...byShard.values()].map(({ length }) => length).toSorted()).toStrictEqual([10, 10, 11]);
    for (const [shard, ids] of byShard) for (const { modid, cmdid } of ids) expect(shardOf(modid, cmdid)).toBe(shard);
  });

  test('have hosts with addresses of their own', () => {
    const routes = [...routesOf({ first: { modid: 1, cmdid: 1 }, modules: 2, hosts: 300 })];
    expect(routes).toHaveLength(600);
    expect(new Set(routes.map(({ cmdid, host }) => `${cmdid} ${host}`)).size).toBe(600);
    expect([hostAddress(0), hostAddress(254), hostAddress(255), hostAddress(65_535)]).toStrictEqual([
      '10.0.0.1',
      '10.0.0.255',
      '10.0.1.0',
      '10.1.0.0',
    ]);
  });
});
