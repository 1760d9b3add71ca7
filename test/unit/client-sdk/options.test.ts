import { describe, expect, test } from 'vitest';
import { LarsClient, LarsError } from '../../../client-sdk/src/index.ts';
import { readOptions } from '../../../client-sdk/src/options.ts';
import { rejection } from './rejection.ts';

describe('options of a client', () => {
  test('defaults', () => {
    expect(readOptions({})).toEqual({
      host: '127.0.0.1',
      ports: [8888, 8889, 8890],
      timeoutMs: 500,
      callTimeoutMs: 30_000,
      maxPending: 65_536,
      cache: true,
      fallback: true,
      routesFile: undefined,
      zone: '',
      purpose: 0,
    });
  });

  test('the routes file is the one that is given, or that of the environment, and none without a fallback', () => {
    expect(readOptions({}, 'env').routesFile).toBe('env');
    expect(readOptions({}, '').routesFile).toBeUndefined();
    expect(readOptions({ routesFile: 'given' }, 'env').routesFile).toBe('given');
    expect(readOptions({ fallback: false }, 'env').routesFile).toBeUndefined();
  });

  test('the zone is the one that is given, or that of the environment', () => {
    expect(readOptions({}, undefined, 'env').zone).toBe('env');
    expect(readOptions({ zone: 'given' }, undefined, 'env').zone).toBe('given');
    expect(readOptions({ zone: '' }, undefined, 'env').zone).toBe('');
  });

  test.each([
    [9000, [9000, 9001, 9002]],
    [[9000], [9000, 9001, 9002]],
    [
      [7, 9, 8],
      [7, 9, 8],
    ],
  ])('ports %j are %j', (given, ports) => {
    expect(readOptions({ ports: given }).ports).toEqual(ports);
  });

  test.each<[unknown, string]>([
    [{ ports: [1, 2] }, 'ports must be 3 ports, or the first of 3 that follow one another, not an array of 2'],
    [{ ports: [1, 2, 3, 4] }, 'ports must be 3 ports'],
    [{ ports: [] }, 'ports must be'],
    [{ ports: 65_534 }, 'ports must be made of integers in 1..65535, not 65536'],
    [{ ports: [1, 2, 0] }, 'ports must be made of integers in 1..65535, not 0'],
    [{ ports: '8888' }, 'ports must be'],
    [{ host: '' }, "host must be an IP address or a name, not ''"],
    [{ host: 7 }, 'host must be'],
    [{ timeoutMs: 0 }, 'timeoutMs must be a number of milliseconds above 0'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs must be'],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, 'timeoutMs must be'],
    [{ timeoutMs: '5' }, "timeoutMs must be a number of milliseconds above 0, at most 2147483647, not '5'"],
    [{ maxPending: 0 }, 'maxPending must be an integer in 1..1000000, not 0'],
    [{ maxPending: 1.5 }, 'maxPending must be'],
    [{ cache: 'yes' }, "cache must be true or false, not 'yes'"],
    [{ fallback: 1 }, 'fallback must be true or false, not 1'],
    [{ zone: 7 }, 'zone must be a text, not 7'],
    [{ purpose: 'see', cache: false, fallback: false }, "purpose must be one of call, look, simulation, not 'see'"],
    [{ purpose: 'look' }, "purpose must be 'call' unless cache and fallback are false"],
    [{ purpose: 'simulation', cache: false }, "purpose must be 'call' unless"],
    [{ routesFile: '' }, "routesFile must be the path of a file, not ''"],
    [{ routesFile: true }, 'routesFile must be the path of a file, not true'],
    [{ routesFile: 'a\0b' }, 'routesFile must be the path of a file'],
    [{ routesFile: 'a', fallback: false }, 'routesFile must be left out with fallback: false'],
    [{ callTimeoutMs: -1 }, 'callTimeoutMs must be a number of milliseconds above 0'],
    [{ timeoutMS: 5 }, "options must not have 'timeoutMS': did you mean timeoutMs?"],
    [{ timeoutMs: 5, retries: 3 }, "options must not have 'retries': known are host, ports, timeoutMs"],
    [null, 'options must be an object, not null'],
  ])('%j is refused', (options, message) => {
    const make = () => new LarsClient(options as never);
    expect(make).toThrow(LarsError);
    expect(make).toThrow(expect.objectContaining({ code: 'LARS_BAD_ARGUMENT', message: expect.stringContaining(message) }));
  });
});

describe('options of a request', () => {
  test.each(['getHost', 'getRoute', 'register'] as const)('%s refuses what it does not know', async method => {
    await using client = new LarsClient();
    const error = await rejection(client[method](1, 2, { timeout: 5 } as never));
    expect([error.code, error.message]).toEqual([
      'LARS_BAD_ARGUMENT',
      "options must not have 'timeout': did you mean timeoutMs?",
    ]);
    expect((await rejection(client[method](1, 2, null as never))).message).toBe('options must be an object, not null');
  });
});
