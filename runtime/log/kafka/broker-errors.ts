import { MulgilError } from "../../../schemas/mulgil-error.ts";

/** What an error of the client or of a broker means for the caller that may try again. */
export type FailureKind =
  /** The connection broke, or no answer came: whether the request was carried out is unknown. */
  | "connection"
  /** Another broker leads the partition, or none does, or the topic is not known (yet). */
  | "leadership"
  /** Another broker coordinates the group or transaction, or it is not ready. */
  | "coordinator"
  /** The broker asks to try again. */
  | "busy"
  /** Trying again does not help. */
  | "final";

/** Kafka's error codes, as far as somebody acts on them. */
export const code = {
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  illegalSaslState: 34,
  topicAlreadyExists: 36,
  invalidReplicationFactor: 38,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTransactionState: 48,
  invalidProducerIdMapping: 49,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  operationNotAttempted: 55,
  unknownProducerId: 59,
  nonEmptyGroup: 68,
  groupIdNotFound: 69,
  invalidRecord: 87,
  producerFenced: 90,
  unknownTopicId: 100,
} as const;

const UNREACHABLE = "LOG_UNREACHABLE";
const LEADERSHIP = new Set([3, 5, 6, 9, 56, 72, 74, 75, 78, 100, 103]);
const COORDINATOR = new Set([14, 15, 16]);
const BUSY = new Set([7, 13, 19, 20, 41, 51, 88, 89]);
const AUTHORIZATION = new Set<number>([
  code.topicAuthorizationFailed,
  code.groupAuthorizationFailed,
  code.clusterAuthorizationFailed,
  code.transactionalIdAuthorizationFailed,
]);
const CONNECTION = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSLockTimeout",
]);

/** A broker's answer that was no success, where the request is not one of kafkajs. */
export class BrokerError extends Error {
  readonly code: number;

  constructor(errorCode: number, what: string) {
    super(`${what}: Kafka's error ${errorCode}`);
    this.code = errorCode;
  }
}

/** kafkajs wraps the errors of single topics and partitions. */
function inner(error: unknown): unknown {
  const { errors, partitions } = error as { errors?: unknown[]; partitions?: { error: unknown }[] };
  if (Array.isArray(errors)) return errors[0];
  return Array.isArray(partitions) ? partitions[0]?.error : error;
}

/** Kafka's code of an error, or undefined if it comes from elsewhere. */
export function brokerCodeOf(error: unknown): number | undefined {
  if (error instanceof MulgilError || !(error instanceof Error)) return undefined;
  const found = (inner(error) as { code?: unknown }).code;
  return typeof found === "number" ? found : undefined;
}

export function kindOf(error: unknown): FailureKind {
  // The patience of one call is over; who waits for as long as it takes goes on.
  if (error instanceof MulgilError) return error.code === UNREACHABLE ? "connection" : "final";
  const found = brokerCodeOf(error);
  if (found !== undefined) return kindOfCode(found);
  return error instanceof Error && CONNECTION.has(error.name) ? "connection" : "final";
}

export function kindOfCode(errorCode: number): FailureKind {
  // Another request of the connection was refused while it showed who it is: a new connection shows it from the beginning.
  if (errorCode === code.illegalSaslState) return "connection";
  if (LEADERSHIP.has(errorCode)) return "leadership";
  if (COORDINATOR.has(errorCode)) return "coordinator";
  return BUSY.has(errorCode) ? "busy" : "final";
}

export const isAuthentication = (error: unknown): boolean =>
  error instanceof Error && error.name === "KafkaJSSASLAuthenticationError";

/** For errors that nobody nearer has an answer to. */
export function asMulgilError(error: unknown, what: string): MulgilError {
  if (error instanceof MulgilError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (isAuthentication(error)) {
    return new MulgilError(
      `Kafka refuses the credentials (${message}); check mechanism, user and password, or the token`,
      {
        code: "LOG_AUTHENTICATION",
        cause: error,
      },
    );
  }
  if (AUTHORIZATION.has(brokerCodeOf(error) ?? 0)) {
    return new MulgilError(`Kafka does not allow it: could not ${what} (${message}); give the user that right`, {
      code: "LOG_NOT_AUTHORIZED",
      cause: error,
    });
  }
  return new MulgilError(`could not ${what}: ${message}`, { code: "LOG_BROKER", cause: error });
}

/** The patience is over. */
export const unreachable = (what: string, patienceMs: number, cause: unknown): MulgilError =>
  new MulgilError(
    `could not ${what} within ${patienceMs} ms (${cause instanceof Error ? cause.message : String(cause)}); is Kafka running, at the address that was given, and are enough replicas in sync?`,
    { code: UNREACHABLE, cause },
  );
