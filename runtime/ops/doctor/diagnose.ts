import { checkClocks } from "./checks/clocks.ts";
import { checkDeadLetters } from "./checks/dead-letters.ts";
import { checkDisk } from "./checks/disk.ts";
import { checkHotKeys } from "./checks/hot-key.ts";
import { checkInstitutions } from "./checks/institutions.ts";
import { checkLog } from "./checks/log.ts";
import { checkOwners } from "./checks/owners.ts";
import { checkPartitionCounts } from "./checks/partition-counts.ts";
import { checkPauses } from "./checks/pauses.ts";
import { checkPermissions } from "./checks/permissions.ts";
import { checkPositions } from "./checks/positions.ts";
import { checkRegistry } from "./checks/registry.ts";
import { checkReplication } from "./checks/replication.ts";
import { checkRetention } from "./checks/retention.ts";
import { checkSchemas } from "./checks/schemas.ts";
import { checkStandbys } from "./checks/standbys.ts";
import { checkStuck } from "./checks/stuck.ts";
import { checkTopics } from "./checks/topics.ts";
import { checkTransactions } from "./checks/transactions.ts";
import { checkTroubles } from "./checks/troubles.ts";
import { checkVersions } from "./checks/versions.ts";
import { checkWorkers } from "./checks/workers.ts";
import type { Facts } from "./facts.ts";
import { type Finding, worstFirst } from "./finding.ts";

/** Causes before what follows from them. */
const CHECKS: readonly ((facts: Facts) => readonly Finding[])[] = [
  checkDisk,
  checkPermissions,
  checkRegistry,
  checkTopics,
  checkPartitionCounts,
  checkWorkers,
  checkOwners,
  checkTroubles,
  checkStuck,
  checkTransactions,
  checkInstitutions,
  checkSchemas,
  checkDeadLetters,
  checkRetention,
  checkHotKeys,
  checkPositions,
  checkReplication,
  checkStandbys,
  checkVersions,
  checkClocks,
  checkLog,
  checkPauses,
];

/** Everything that is wrong, the worst first. Pure. */
export const diagnose = (facts: Facts): readonly Finding[] => worstFirst(CHECKS.flatMap((check) => check(facts)));
