import { describeEnd, describeHub } from './describe-hub.ts';
import { startDeno } from './hubs.ts';

describeHub('the hub under Deno', startDeno);
describeEnd('the hub under Deno', startDeno);
