import { profileNamed, profilesFile, readProfiles } from "../profiles/profile-file.ts";

export interface EnvironmentWithProfile {
  readonly environment: NodeJS.ProcessEnv;
  /** The profile in use. */
  readonly profile: string | undefined;
}

/**
 * The environment of a command, with its profile: one that is named (--profile, else MULGIL_PROFILE) wins over the environment, the current one
 * (`mulgil profile use`) gives what the environment does not say. Whoever names a data directory means that, and not the current profile's brokers;
 * a run has one beside its brokers.
 * @throws {MulgilError} PROFILE_UNKNOWN, PROFILES_FILE
 */
export function environmentWithProfile(
  environment: NodeJS.ProcessEnv,
  args: readonly string[],
): EnvironmentWithProfile {
  const named = optionIn(args, "--profile") ?? (environment["MULGIL_PROFILE"] || undefined);
  // Whoever mends the profiles must be able to begin.
  if (named === undefined && args[0] === "profile") return { environment, profile: undefined };
  const all = readProfiles(profilesFile(environment));
  if (named !== undefined) return { environment: { ...environment, ...profileNamed(all, named) }, profile: named };
  const folder = optionIn(args, "-d") ?? optionIn(args, "--data-dir") ?? environment["MULGIL_DATA_DIR"];
  const { current } = all;
  if (current === undefined || (folder !== undefined && args[0] !== "run")) return { environment, profile: undefined };
  return { environment: { ...profileNamed(all, current), ...environment }, profile: current };
}

/** The options of commands take their defaults from the profile, so this one is looked for before they are there. */
function optionIn(args: readonly string[], name: string): string | undefined {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  const index = options.findLastIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (index === -1) return undefined;
  return options[index] === name ? options[index + 1] : options[index]!.slice(name.length + 1);
}
