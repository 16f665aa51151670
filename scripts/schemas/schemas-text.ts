import type { VersionIssue } from "../../schemas/compatible-versions.ts";
import { table } from "../output/table.ts";
import type { SchemaCheck } from "./check-schemas.ts";

/** A line of `schemas ls`. */
export interface SchemaRow {
  readonly subject: string;
  readonly versions: readonly { readonly version: number; readonly id: number }[];
  readonly compatibility: string;
  readonly hasTopic: boolean;
  readonly file: string | undefined;
  /** Of the file. */
  readonly status: "no file" | "not registered" | "latest" | "older version" | "differs";
}

export const schemasTable = (rows: readonly SchemaRow[]): string =>
  table(
    ["subject", "versions", "id", "compatibility", "topic", "file", "status"],
    rows.map(({ subject, versions, compatibility, hasTopic, file, status }) => [
      subject,
      String(versions.length),
      String(versions.at(-1)?.id ?? "-"),
      compatibility,
      hasTopic ? "yes" : "no",
      file ?? "-",
      status,
    ]),
    ["versions", "id"],
  );

/** A paragraph a file: what it is, which versions records carry, and what does not fit. */
export const checksText = (checks: readonly SchemaCheck[]): string => checks.map(checkText).join("\n");

function checkText({ file, subject, status, version, carried, foreignIds, issues }: SchemaCheck): string {
  const is = status === "registered" ? `is version ${version}` : `would be version ${version}`;
  const verdict = issues.length === 0 ? "fits" : "does not fit";
  return [
    `${file}: ${verdict}; it ${is} of ${subject}${carriedText(carried)}`,
    ...(foreignIds.length === 0 ? [] : [`  records carry ids of other subjects: ${foreignIds.join(", ")}`]),
    ...issues.map((issue) => `  ${issueText(issue)}`),
  ].join("\n");
}

function carriedText(carried: SchemaCheck["carried"]): string {
  if (carried.length === 0) return ", and no record carries a version of it";
  const list = carried.map(({ version, records }) =>
    records === undefined
      ? String(version)
      : `${version} (${records.toLocaleString("en-US")} ${records === 1 ? "record" : "records"})`,
  );
  const may = carried[0]!.records === undefined ? "may carry" : "carry";
  return `, and records ${may} ${list.length === 1 ? "version" : "versions"} ${list.join(", ")}`;
}

export const issueText = ({ version, direction, path, message }: VersionIssue): string =>
  direction === "reads"
    ? `version ${version}  ${path}: ${message}`
    : `readers with version ${version}  ${path}: ${message}`;
