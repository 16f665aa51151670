import { describeLogAccessContract } from "./log-access-contract.ts";
import { describeGroupsContract } from "./log-groups-contract.ts";
import { describeTransactionsContract } from "./log-transactions-contract.ts";
import type { LogFactory } from "./log-under-test.ts";

/** Every promise of runtime/log/port.ts. An implementation that passes it may stand under the worker. */
export function describeLogContract(name: string, factory: LogFactory): void {
  describeLogAccessContract(name, factory);
  describeTransactionsContract(name, factory);
  describeGroupsContract(name, factory);
}
