// pure
/** How long the reporter has, when the agent ends, to take and acknowledge the last reports. A file of its own, for main needs no codec. */
export const DELIVERY_TIMEOUT_MS = 5_000;
