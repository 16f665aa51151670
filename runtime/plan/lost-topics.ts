import type { Issue } from "../errors/errors.ts";
import type { StoreIssue } from "./compare.ts";
import type { Plan } from "./plan.ts";

/** Stores of a job that has run, whose changelogs somebody has deleted since: made anew, they would start empty without a word. */
export function lostStores(before: Plan, after: Plan, existing: ReadonlySet<string>): readonly StoreIssue[] {
  const ran = new Set(changelogsOf(before).map(({ changelog }) => changelog));
  return changelogsOf(after)
    .filter(({ changelog }) => ran.has(changelog) && !existing.has(changelog))
    .map(({ name, changelog }) => ({
      store: name,
      code: "PLAN_STORE_LOST",
      at: `job ${after.job}`,
      message: `the changelog "${changelog}" of store "${name}" has been deleted, and with it the state of the job: restore the topic; or start the store empty with --drop-store ${name}, and know that results then lack what it held`,
    }));
}

/** Repartition topics of a job that has run and that somebody has deleted since, with what was on its way between the steps. */
export function lostRepartitions(
  before: Plan | undefined,
  after: Plan,
  existing: ReadonlySet<string>,
): readonly Issue[] {
  const ran = new Set(before?.topics.map(({ topic }) => topic));
  return after.topics
    .filter(({ topic, role }) => (role === "repartition" || role === "retry") && ran.has(topic) && !existing.has(topic))
    .map(({ topic }) => ({
      code: "PLAN_TOPIC_LOST",
      at: `job ${after.job}`,
      message: `the topic "${topic}" of the job has been deleted, and with it what one step had sent and the next one had not read: restore it, or give the job a new name and let it begin anew; if what was in it may be lost, make it yourself, with as many partitions as before`,
    }));
}

const changelogsOf = ({ subTopologies }: Plan) => subTopologies.flatMap(({ stores }) => stores);
