import type { Addressee } from "../../runtime/ops/addressees.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { nameOf } from "./order-answers.ts";

/** One member of a job's group, and the process that it is in. */
export interface ChosenMember {
  readonly memberId: string;
  readonly addressee: Addressee;
}

/**
 * The members that are meant: by their ids, or by the processes that they are in ("box-1:4711"). All if none is named.
 * @throws {MulgilError} CONTROL_NO_WORKERS, CONTROL_WORKER_UNKNOWN
 */
export function chosenMembers(
  job: string,
  addressees: readonly Addressee[],
  names: readonly string[] | undefined,
): readonly ChosenMember[] {
  const all = addressees.flatMap((addressee) => addressee.memberIds.map((memberId) => ({ memberId, addressee })));
  if (all.length === 0) {
    throw new MulgilError(
      `job "${job}" has no workers that could be restarted: start it with mulgil run, or resume it`,
      {
        code: "CONTROL_NO_WORKERS",
      },
    );
  }
  const isCalled = ({ memberId, addressee }: ChosenMember, name: string) =>
    memberId === name || nameOf(addressee) === name;
  const unknown = names?.find((name) => !all.some((member) => isCalled(member, name)));
  if (unknown !== undefined) {
    const known = all.map(({ memberId, addressee }) => `${memberId} in ${nameOf(addressee)}`).join(", ");
    throw new MulgilError(`job "${job}" has no worker "${unknown}": there is ${known}`, {
      code: "CONTROL_WORKER_UNKNOWN",
    });
  }
  return names === undefined ? all : all.filter((member) => names.some((name) => isCalled(member, name)));
}
