/** Stands with what loads the addon, below `reactor/`, whose server ends threads too. */
export * from '@lars/syscalls/termination-lock';
