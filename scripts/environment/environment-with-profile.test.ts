import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/cli/support/mulgil.ts";
import { environmentWithProfile } from "./environment-with-profile.ts";

const KAFKA = { MULGIL_KAFKA: "broker:9092" };
const LOCAL = { MULGIL_DATA_DIR: "/data" };

function withProfiles(current?: string) {
  const MULGIL_PROFILES = path.join(temporaryFolder(), "profiles.json");
  writeFileSync(
    MULGIL_PROFILES,
    JSON.stringify({ ...(current && { current }), profiles: { production: KAFKA, laptop: LOCAL } }),
  );
  return (args: readonly string[], environment: NodeJS.ProcessEnv = {}) => {
    const { environment: merged, profile } = environmentWithProfile({ ...environment, MULGIL_PROFILES }, args);
    return { profile, kafka: merged["MULGIL_KAFKA"], dataDir: merged["MULGIL_DATA_DIR"] };
  };
}

describe("the profile of a command", () => {
  it("is the current one, where neither the environment nor a data directory says otherwise", () => {
    const environmentOf = withProfiles("production");
    expect(environmentOf(["status"])).toEqual({ profile: "production", kafka: "broker:9092", dataDir: undefined });
    expect(environmentOf(["status"], { MULGIL_KAFKA: "other:1" })).toMatchObject({ kafka: "other:1" });
    const folder = { profile: undefined, kafka: undefined };
    expect(environmentOf(["write", "t", "-d", "tmp"])).toMatchObject(folder);
    expect(environmentOf(["write", "t", "--data-dir=tmp"])).toMatchObject(folder);
    expect(environmentOf(["status"], { MULGIL_DATA_DIR: "/tmp" })).toMatchObject(folder);
    expect(environmentOf(["run", "job.ts", "-d", "state"])).toMatchObject({
      profile: "production",
      kafka: "broker:9092",
    });
  });

  it("is the one that is named, and wins over the environment then", () => {
    const environmentOf = withProfiles("laptop");
    const production = { profile: "production", kafka: "broker:9092" };
    expect(environmentOf(["status", "--profile", "production"], { MULGIL_KAFKA: "other:1" })).toMatchObject(production);
    expect(environmentOf(["--profile=production", "status"])).toMatchObject(production);
    expect(environmentOf(["status"], { MULGIL_PROFILE: "production" })).toMatchObject(production);
    expect(environmentOf(["read", "t", "--", "--profile", "production"])).toMatchObject({ profile: "laptop" });
  });

  it("is none where there is no file, and an error where there is none of the name", () => {
    expect(environmentWithProfile({ MULGIL_PROFILES: "/nowhere/profiles.json" }, ["status"]).profile).toBeUndefined();
    expect(() => withProfiles()(["status", "--profile", "staging"])).toThrow(
      'there is no profile "staging": there is laptop, production',
    );
    expect(withProfiles()(["profile", "ls"])).toMatchObject({ profile: undefined });
  });
});
