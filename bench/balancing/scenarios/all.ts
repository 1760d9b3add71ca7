// pure
import { capacityPlans } from './capacity.ts';
import { churnPlans } from './churn.ts';
import { errorPlans } from './errors.ts';
import { failurePlans } from './failure.ts';
import { overloadPlans } from './overload.ts';
import type { Plan } from './plan.ts';
import { reportPlans } from './reports.ts';
import { sizePlans } from './size.ts';
import { slowPlans } from './slow.ts';

/** Every scenario, group by group. */
export const PLANS: readonly Plan[] = [
  ...failurePlans,
  ...slowPlans,
  ...errorPlans,
  ...capacityPlans,
  ...overloadPlans,
  ...churnPlans,
  ...sizePlans,
  ...reportPlans,
];
