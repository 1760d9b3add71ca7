import { describe, expect, test } from 'vitest';
import { parseAgentAddress } from '../../../cli/src/arguments/agent-address.ts';
import { parseHostArgument } from '../../../cli/src/arguments/host.ts';
import { decimalOption, integerOption } from '../../../cli/src/arguments/number.ts';
import { UsageError } from '../../../cli/src/errors.ts';

describe('integerOption', () => {
  const parse = integerOption('--calls', 1, 100);

  test.each([
    ['1', 1],
    ['100', 100],
    ['007', 7],
  ])('takes %s', (text, value) => {
    expect(parse(text)).toBe(value);
  });

  test.each(['0', '101', '-1', '1.5', '', ' 1', '1e1', '0x10', 'NaN', 'Infinity', '99999999999999999999'])(
    "refuses '%s'",
    text => {
      expect(() => parse(text)).toThrow(new UsageError(`--calls ${text}: expected an integer in 1..100`));
    },
  );
});

describe('decimalOption', () => {
  const parse = decimalOption('--rate', 0, 10);

  test.each([
    ['10', 10],
    ['0.5', 0.5],
  ])('takes %s', (text, value) => {
    expect(parse(text)).toBe(value);
  });

  test.each(['0', '0.0', '10.1', '-1', '', '.', '1.', '1e1', 'Infinity'])("refuses '%s'", text => {
    expect(() => parse(text)).toThrow(UsageError);
  });
});

describe('--agent', () => {
  test.each([
    ['127.0.0.1:8888', { host: '127.0.0.1', ports: 8888 }],
    ['agent.example:65533', { host: 'agent.example', ports: 65_533 }],
    ['[::1]:8888', { host: '::1', ports: 8888 }],
    ['10.0.0.1:5,6,65535', { host: '10.0.0.1', ports: [5, 6, 65_535] }],
  ])('takes %s', (text, address) => {
    expect(parseAgentAddress(text)).toStrictEqual(address);
  });

  test.each([
    '',
    '127.0.0.1',
    '127.0.0.1:65534',
    '127.0.0.1:1,2',
    '127.0.0.1:1,2,3,4',
    '127.0.0.1:1,2,x',
    '127.0.0.1:1,2,',
    '1.2.3:5',
  ])("refuses '%s'", text => {
    expect(() => parseAgentAddress(text)).toThrow(UsageError);
  });
});

test('a host that is none is a usage error that names the part', () => {
  expect(() => parseHostArgument('10.0.0.1:70000')).toThrow(new UsageError("port 70000 in '10.0.0.1:70000' is not in 1..65535"));
});
