import { describeHub } from './describe-hub.ts';
import { describeProcess } from './describe-process.ts';
import { startDeno } from './hubs.ts';

describeHub('the hub under Deno', startDeno);
describeProcess('the hub under Deno', startDeno);
