/**
 * Configuration, declared once: a table of sections and fields, from which the type, the validation, the sample conf file and
 * the docs come.
 */
export { addressList, formatAddress, parseAddressList, type ServerAddress } from './address-list.ts';
export { ConfigError } from './config-error.ts';
export type { Field, FieldOptions } from './field.ts';
export { formatMarkdown } from './format-markdown.ts';
export { formatSample } from './format-sample.ts';
export { type ConfigText, findConfigProblems, loadConfig, MAX_CONFIG_BYTES } from './load-config.ts';
export { networks } from './network-fields.ts';
export { bytes, decimal, duration, integer, milliseconds, ratio } from './number-fields.ts';
export { type ReadConfig, readConfigFile, readConfigText } from './read-config-file.ts';
export { type ConfigOf, type ConfigTable, defineConfig, type FieldValues, patternSection, section } from './table.ts';
export { choice, flag, host, ipv4, path, text } from './text-fields.ts';
