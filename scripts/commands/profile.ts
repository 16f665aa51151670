import { type Command, InvalidArgumentError, Option } from "commander";
import { variables } from "../environment/variables.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { table } from "../output/table.ts";
import { checkProfile } from "../profiles/check-profile.ts";
import {
  type Profile,
  type Profiles,
  profileNamed,
  profilesFile,
  readProfiles,
  writeProfiles,
} from "../profiles/profile-file.ts";
import { examples } from "./options.ts";

interface AddOptions {
  readonly kafka?: string;
  readonly registry?: string;
  readonly dataDir?: string;
  readonly set: Profile;
  readonly replace?: true;
}

export function addProfile(program: Command): void {
  const profile = program.command("profile").description("keep the clusters that you work with under names");
  profile
    .command("ls", { isDefault: true })
    .description("list them; * is the current one")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil profile ls", "mulgil profile ls -o json"))
    .action(({ output }: { readonly output: OutputFormat }) => printFormatted(load(), output, profilesTable));
  profile
    .command("add")
    .description("add one, or with --replace change one")
    .argument("<name>")
    .option("--kafka <host:port>", "its brokers")
    .option("--registry <url>", "its schema registry")
    .option("-d, --data-dir <folder>", "its data directory")
    .addOption(
      new Option(
        "--set <variable=value>",
        "any variable of docs/KAFKA.md that holds no secret; may be given several times",
      )
        .default({}, "none")
        .argParser(setting),
    )
    .option("--replace", "if there is one of this name")
    .addHelpText(
      "after",
      examples(
        "mulgil profile add production --kafka broker-1:9093,broker-2:9093 --registry https://registry:8081 --set MULGIL_KAFKA_SASL=scram-sha-512 --set MULGIL_KAFKA_USER=ana --set MULGIL_KAFKA_PASSWORD_FILE=/home/ana/.kafka-password",
        "mulgil profile use production",
        "mulgil status --profile production",
      ),
    )
    .action(add);
  profile
    .command("use")
    .description("make one the current one: commands use it that name none, where the environment says nothing else")
    .argument("[name]", "none if it is left out")
    .addHelpText("after", examples("mulgil profile use production", "mulgil profile use"))
    .action(use);
  profile
    .command("remove")
    .description("remove one")
    .argument("<name>")
    .addHelpText("after", examples("mulgil profile remove staging"))
    .action(remove);
}

function add(name: string, { kafka, registry, dataDir, set, replace }: AddOptions): void {
  const all = load();
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
    throw new InvalidArgumentError("A profile's name is letters, digits, dots, dashes and underscores.");
  if (Object.hasOwn(all.profiles, name) && replace !== true)
    throw new InvalidArgumentError(`There is a profile "${name}": give --replace to change it.`);
  const profile: Profile = {
    ...set,
    ...(kafka !== undefined && { MULGIL_KAFKA: kafka }),
    ...(registry !== undefined && { MULGIL_REGISTRY: registry }),
    ...(dataDir !== undefined && { MULGIL_DATA_DIR: dataDir }),
  };
  if (Object.keys(profile).length === 0)
    throw new InvalidArgumentError("Say what it is to name: --kafka, or --data-dir.");
  checkProfile(profile);
  save({ ...all, profiles: { ...all.profiles, [name]: profile } });
}

function use(name: string | undefined): void {
  const { profiles } = load();
  if (name !== undefined) profileNamed({ profiles }, name);
  save({ profiles, ...(name !== undefined && { current: name }) });
}

function remove(name: string): void {
  const all = load();
  profileNamed(all, name);
  const { [name]: _removed, ...profiles } = all.profiles;
  save({ profiles, ...(all.current !== undefined && all.current !== name && { current: all.current }) });
}

const load = (): Profiles => readProfiles(profilesFile(variables.raw));
const save = (profiles: Profiles): void => writeProfiles(profilesFile(variables.raw), profiles);

function setting(text: string, before: Profile): Profile {
  const [, name, value] = /^([A-Z_]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Write VARIABLE=value, like MULGIL_KAFKA_TLS=true.");
  return { ...before, [name]: value! };
}

function profilesTable({ current, profiles }: Profiles): string {
  const names = Object.keys(profiles).sort();
  if (names.length === 0) return "there are no profiles yet: mulgil profile add";
  const rows = names.map((name) => {
    const { MULGIL_KAFKA: kafka, MULGIL_REGISTRY: registry, MULGIL_DATA_DIR: dataDir, ...rest } = profiles[name]!;
    return [name === current ? "*" : "", name, kafka ?? dataDir ?? "-", registry ?? "-", Object.keys(rest).join(" ")];
  });
  return table(["", "name", "kafka or data", "registry", "also sets"], rows);
}
