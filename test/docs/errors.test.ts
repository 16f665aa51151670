import { describe, expect, it } from "vitest";
import { codeLiterals, codeLiteralsIn, documentedCodes, errorsPage, NO_CODES } from "./error-codes.ts";

const literals = [...codeLiterals()];
const raised = literals.filter((code) => !NO_CODES.has(code)).sort();
const documented = documentedCodes(errorsPage());
const without = (these: readonly string[], those: readonly string[]) => these.filter((code) => !those.includes(code));

describe("docs/ERRORS.md", () => {
  const listed = documented.map(({ code }) => code).sort();

  it("lists every code that the code can raise", () => {
    expect(without(raised, listed), "codes to add to docs/ERRORS.md, or to NO_CODES if they are none").toEqual([]);
  });

  it("lists no code that the code does not know", () => {
    expect(without(listed, raised), "codes to remove from docs/ERRORS.md").toEqual([]);
  });

  it("lists every code once, with what it means and what to do", () => {
    expect(listed).toEqual([...new Set(listed)]);
    expect(documented.filter(({ meaning, remedy }) => meaning === "" || remedy === "")).toEqual([]);
  });
});

describe("the search for codes", () => {
  it("sees codes of several words anywhere, those of one word where they are a code, and nothing in comments", () => {
    const source = `// "IN_A_COMMENT"
      /** @throws "IN_A_DOCSTRING" */
      throw new MulgilError("A message", { code: options.code ?? "ALONE" });
      issue("SEVERAL_WORDS", "WORD", "NOT-A-CODE", "lower_case");`;
    expect(codeLiteralsIn(source, "file.ts")).toEqual(["ALONE", "SEVERAL_WORDS"]);
  });

  it("takes the names of brokers' errors for what they are", () => {
    const source =
      'retriable("TOPIC_ALREADY_EXISTS"); refused("LOG_SOMETHING"); throw error({ code: "ANYTHING_ELSE" });';
    expect(codeLiteralsIn(source, "runtime/log/kafka/file.ts")).toEqual(["LOG_SOMETHING", "ANYTHING_ELSE"]);
  });

  it("knows what codes that are put together become, and refuses those that it does not know", () => {
    const template = (text: string) => `const code = \`${text}\`;`;
    expect(codeLiteralsIn(template("STATE_$" + "{operation}_FAILED"), "file.ts")).toContain("STATE_READ_FAILED");
    expect(() => codeLiteralsIn(template("LOG_$" + "{what}_LOST"), "file.ts")).toThrow("LOG_*_LOST");
  });

  it("excludes nothing that is not there", () => {
    expect(without([...NO_CODES], literals), "words to remove from NO_CODES").toEqual([]);
  });

  it("reads the table rows of the page and nothing else", () => {
    const page = "| code | means | do |\n| --- | --- | --- |\n| `A_B`, `A_C` | it broke | mend it |\ntext with `D_E`\n";
    expect(documentedCodes(page)).toEqual([
      { code: "A_B", meaning: "it broke", remedy: "mend it" },
      { code: "A_C", meaning: "it broke", remedy: "mend it" },
    ]);
  });
});
