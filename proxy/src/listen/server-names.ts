// pure
import type { ModuleId } from '@lars/proto';
import type { ServerNameRule } from './listener-text.ts';

/**
 * The module of a server name: of the rule that names it, else of the longest '*.…' above it.
 * @param name in lower case
 */
export function moduleOfServerName(rules: readonly ServerNameRule[], name: string): ModuleId | undefined {
  let best: ServerNameRule | undefined;
  for (const rule of rules) {
    if (rule.pattern === name) return rule.module;
    const isAbove = rule.pattern.startsWith('*.') && name.endsWith(rule.pattern.slice(1)) && name.length >= rule.pattern.length;
    if (isAbove && rule.pattern.length > (best?.pattern.length ?? 0)) best = rule;
  }
  return best?.module;
}
