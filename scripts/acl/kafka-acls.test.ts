import { describe, expect, it } from "vitest";
import type { AclGrant } from "../../runtime/ops/job-acls.ts";
import { kafkaAclsCommands } from "./kafka-acls.ts";

const grant = (name: string, more: Partial<AclGrant> = {}): AclGrant => ({
  ...{ resource: "topic", name, pattern: "literal", operations: ["Read", "DescribeConfigs"], why: "reads" },
  ...more,
});
const COMMAND = `kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVER" \${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"}`;

describe("kafkaAclsCommands", () => {
  it("grants the same rights on several things in one command, and says what for", () => {
    const grants = [
      grant("a"),
      grant("b", { operations: ["Write"], why: "writes" }),
      grant("c", { operations: ["DescribeConfigs", "Read"], why: "restores" }),
      grant("job/", { resource: "transactional-id", pattern: "prefixed", operations: ["Write"], why: "commits" }),
    ];
    expect(kafkaAclsCommands(grants, { principal: "User:app", host: "10.0.0.7" })).toEqual([
      "# a: reads; c: restores",
      `${COMMAND} --add --allow-principal User:app --allow-host 10.0.0.7 --operation Read --operation DescribeConfigs --topic a --topic c`,
      "# b: writes",
      `${COMMAND} --add --allow-principal User:app --allow-host 10.0.0.7 --operation Write --topic b`,
      "# job/: commits",
      `${COMMAND} --add --allow-principal User:app --allow-host 10.0.0.7 --operation Write --resource-pattern-type prefixed --transactional-id job/`,
    ]);
  });

  it("quotes what a shell would read otherwise", () => {
    const [, command] = kafkaAclsCommands([grant("a")], { principal: "User:CN=O'Neill,O=a b", host: undefined });
    expect(command).toContain(String.raw`--allow-principal 'User:CN=O'\''Neill,O=a b' --operation`);
    expect(kafkaAclsCommands([grant("a")], { principal: "User:*", host: undefined })[1]).toContain("'User:*'");
  });
});
