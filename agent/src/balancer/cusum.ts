// pure
/**
 * AD-7. Page's test for a change: the evidence that a host errs clearly more than is normal, less what speaks against it, never
 * below zero. Good times store up no credit, so a change is found as fast on the millionth call as on the first.
 * @param evidence until now, 0 at first
 * @param logLikelihoodRatio what one report says: positive for "errs more"
 * @param limit which convicts, and beyond which the evidence does not grow
 * @returns the evidence from now on
 */
export function weighReport(evidence: number, logLikelihoodRatio: number, limit: number): number {
  return Math.min(limit, Math.max(0, evidence + logLikelihoodRatio));
}
