import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { isLarsError, LarsError, type LarsErrorCode, LarsHost } from '../../../client-sdk/src/index.ts';
import { HOST } from './fake-agent.ts';

describe('an error', () => {
  test.each<[LarsErrorCode, string]>([
    ['LARS_AGENT_SILENT', 'LARS_TIMEOUT'],
    ['LARS_CALL_TIMEOUT', 'LARS_TIMEOUT'],
    ['LARS_NO_ROUTE', 'LARS_TIMEOUT'],
    ['LARS_OVERLOAD', 'LARS_OVERLOAD'],
  ])('%s was %s before', (code, formerCode) => {
    expect(new LarsError(code, 'x').formerCode).toBe(formerCode);
  });
});

describe('isLarsError', () => {
  test('tells errors of this package by their codes', () => {
    const error = new LarsError('LARS_OVERLOAD', 'x');
    expect(isLarsError(error)).toBe(true);
    expect(isLarsError(error, 'LARS_OVERLOAD')).toBe(true);
    expect(isLarsError(error, 'LARS_CLOSED', 'LARS_OVERLOAD')).toBe(true);
    expect(isLarsError(error, 'LARS_CLOSED')).toBe(false);
  });

  test.each([undefined, null, 'LARS_OVERLOAD', new Error('x'), { name: 'LarsError', code: 'LARS_OVERLOAD' }])(
    '%j is none',
    given => {
      expect(isLarsError(given)).toBe(false);
    },
  );

  test('knows the errors of another copy of this package', async () => {
    vi.resetModules();
    const other: typeof import('../../../client-sdk/src/index.ts') = await import('../../../client-sdk/src/index.ts');
    const error = new other.LarsError('LARS_CLOSED', 'x');
    expect(error).not.toBeInstanceOf(LarsError);
    expect(isLarsError(error, 'LARS_CLOSED')).toBe(true);
  });

  test('narrows the type: a call that took too long has a host', () => {
    const host = new LarsHost(1, 2, HOST);
    const error: unknown = new LarsError('LARS_CALL_TIMEOUT', 'x', { host });
    if (!isLarsError(error, 'LARS_CALL_TIMEOUT')) throw error;
    expectTypeOf(error.code).toEqualTypeOf<'LARS_CALL_TIMEOUT'>();
    expectTypeOf(error.host).toEqualTypeOf<LarsHost>();
    expect(error.host).toBe(host);
  });

  test('refuses a code that does not exist, and keeps the error that was asked about', () => {
    const cause = new Error('x');
    expect(() => isLarsError(cause, 'LARS_OVERLAOD' as never)).toThrow(
      expect.objectContaining({
        code: 'LARS_BAD_ARGUMENT',
        message: "there is no code 'LARS_OVERLAOD': did you mean LARS_OVERLOAD?",
        cause,
      }),
    );
  });
});
