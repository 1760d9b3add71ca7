import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../cli/src/errors.ts';
import { checkFailureRates, failureRateOf, parseFailureRate } from '../../../cli/src/simulate/failure-rates.ts';

const host = (name: string, port: number) => ({
  host: name,
  authority: name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`,
});
const one = host('10.0.0.1', 80);

describe('--fail', () => {
  test.each([
    ['10.0.0.1:80=0.5', { host: '10.0.0.1:80', rate: 0.5 }],
    ['10.0.0.1=1', { host: '10.0.0.1', rate: 1 }],
    ['10.0.0.1=0', { host: '10.0.0.1', rate: 0 }],
    ['10.0.0.1=.25', { host: '10.0.0.1', rate: 0.25 }],
    ['db.Example:80=12.5%', { host: 'db.example:80', rate: 0.125 }],
    ['[2001:DB8::1]:80=100%', { host: '[2001:db8::1]:80', rate: 1 }],
  ])('takes %s', (text, rate) => {
    expect(parseFailureRate(text)).toStrictEqual(rate);
  });

  test.each(['', '=1', '10.0.0.1', '10.0.0.1=', '10.0.0.1=1.1', '10.0.0.1=-1', '10.0.0.1=101%', '10.0.0.1=x', '10.0.0.1=1=1'])(
    "refuses '%s'",
    text => {
      expect(() => parseFailureRate(text)).toThrow(UsageError);
    },
  );

  test.each([
    { rates: [], rate: 0 },
    { rates: ['10.0.0.2=1'], rate: 0 },
    { rates: ['10.0.0.1:81=1'], rate: 0 },
    { rates: ['10.0.0.1=0.5'], rate: 0.5 },
    { rates: ['10.0.0.1:80=0.5'], rate: 0.5 },
    { rates: ['10.0.0.1:80=0.5', '10.0.0.1=1'], rate: 0.5 },
    { rates: ['10.0.0.1=0.1', '10.0.0.1=0.2'], rate: 0.2 },
  ])('$rates: the calls to 10.0.0.1:80 fail with rate $rate', ({ rates, rate }) => {
    expect(failureRateOf(rates.map(parseFailureRate), one)).toBe(rate);
  });

  test('finds an IPv6 host with and without brackets', () => {
    const v6 = host('2001:db8::1', 80);
    for (const text of ['2001:db8::1=1', '[2001:db8::1]=1', '[2001:db8::1]:80=1']) {
      expect(failureRateOf([parseFailureRate(text)], v6), text).toBe(1);
    }
  });

  test('for a host that the module does not have is an error that lists the ones it has', () => {
    const hosts = [1, 2, 3, 4, 5, 6, 7].map(n => host(`10.0.0.${n}`, 80));
    const check = (text: string) => () => checkFailureRates([parseFailureRate(text)], hosts);
    expect(check('10.0.0.7=1')).not.toThrow();
    expect(check('10.0.0.7:80=1')).not.toThrow();
    expect(check('10.0.0.8=1')).toThrow(
      '--fail 10.0.0.8: the module has no such host; it has 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, 10.0.0.4:80, 10.0.0.5:80 and 2 more',
    );
  });
});
