import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";

/** Whether anybody on the way could read what is sent, or who sends it. */
export function checkLog({ log }: Facts): readonly Finding[] {
  const { security, where } = log;
  if (security === undefined || security.isEncrypted) return [];
  const { sasl, isLocal } = security;
  if (sasl === undefined && isLocal) return [];
  const isPassword = sasl !== undefined && !sasl.startsWith("scram");
  return [
    {
      check: "log",
      severity: isPassword && !isLocal ? "error" : "warning",
      what: isPassword
        ? `the connection to Kafka is not encrypted, and ${sasl} sends the secret as it is`
        : "the connection to Kafka is not encrypted",
      where: {},
      evidence: [`${where} without TLS${sasl === undefined ? ", and nobody is asked who he is" : ""}`],
      ageMs: undefined,
      todo: "set MULGIL_KAFKA_TLS=1 or MULGIL_KAFKA_CA_FILE, and use a listener with TLS",
    },
  ];
}
