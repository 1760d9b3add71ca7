/** Wrong arguments are named in the same words by every client. */
import { expect, test } from 'vitest';
import type { ClientCommand } from './sdk-drivers.ts';
import { describeEachSdk, spoken } from './sdk-suite.ts';

describeEachSdk(sdks => {
  test.each<{ readonly command: ClientCommand | { readonly do: 'new'; readonly options: object }; readonly names: string }>([
    { command: { do: 'new', options: { host: '' } }, names: "host must be an ip address or a name, not ''" },
    {
      command: { do: 'new', options: { ports: [1, 2] } },
      names: 'ports must be 3 ports, or the first of 3 that follow one another',
    },
    {
      command: { do: 'new', options: { ports: 65_534 } },
      names: 'ports must be made of integers in 1..65535, not 65536',
    },
    {
      command: { do: 'new', options: { timeoutMs: 0 } },
      names: 'timeoutms must be a number of milliseconds above 0, at most 2147483647, not 0',
    },
    {
      command: { do: 'new', options: { maxPending: 0 } },
      names: 'maxpending must be an integer in 1..1000000, not 0',
    },
    { command: { do: 'new', options: { fallback: 'no' } }, names: "fallback must be true or false, not 'no'" },
    { command: { do: 'new', options: { routesFile: '' } }, names: "routesfile must be the path of a file, not ''" },
    {
      command: { do: 'new', options: { fallback: false, routesFile: 'a' } },
      names: 'routesfile must be left out with fallback',
    },
    {
      command: { do: 'getHost', module: [2 ** 31, 1] },
      names: 'modid must be an integer in -2147483648..2147483647, not 2147483648',
    },
    {
      command: { do: 'getHost', module: [1, 1.5] },
      names: 'cmdid must be an integer in -2147483648..2147483647, not 1.5',
    },
    {
      command: { do: 'getRoute', module: [1, 1], options: { timeoutMs: -1 } },
      names: 'timeoutms must be a number of milliseconds',
    },
    {
      command: { do: 'report', target: target('a', 0), result: { ok: true } },
      names: "host must be an address and a port, not 'a:0'",
    },
    {
      command: { do: 'report', target: target('1.2.3', 1), result: { ok: true } },
      names: "host must be an address and a port, not '1.2.3:1'",
    },
    { command: { do: 'report', target: target('a', 1), result: { ok: 1 } }, names: 'ok must be true or false, not 1' },
    {
      command: { do: 'report', target: target('a', 1), result: { ok: true, tcostMs: -1 } },
      names: 'tcostms must be a number of milliseconds, not -1',
    },
  ])('a wrong argument is named: $names', async ({ command, names }) => {
    const client = await sdks.newClient({});
    const { error } = await (command.do === 'new' ? sdks.sdk.tryNew(command.options) : client.run(command));
    expect(error?.code).toBe('LARS_BAD_ARGUMENT');
    expect(spoken(error?.message)).toContain(names);
  });
});

function target(host: string, port: number): object {
  return { modid: 1, cmdid: 1, host, port };
}
